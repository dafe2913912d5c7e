"""`make run` and `make dev`: run the service with its database on this machine, until Ctrl-C.

An error at the start prints one line with the next step. Slow imports come after the signal
handlers, so that Ctrl-C never prints a traceback.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPED = "Stopped. The data is kept for the next `make run`."
ENDED = "The service failed; see its log above. Run `make run` to start it again."
INTERRUPTED = "Interrupted before the service was ready. Run `make run` to start it again."


def main(reload: bool) -> int:
    """Run the service until Ctrl-C, and return the exit status.

    Args:
        reload: Whether to restart the server when the code changes.
    """
    for name in SIGNALS:
        signal.signal(name, _interrupt)
    try:
        from tools.service import CannotRunError, serve

        try:
            status = serve(reload)
        except CannotRunError as error:
            print(error, file=sys.stderr)
            return 1
        print(ENDED if status else STOPPED, flush=True)
        return status
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        return 128 + signal.SIGINT


def _interrupt(*_: Any) -> None:
    for name in SIGNALS:  # a second signal would interrupt the cleanup
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    sys.exit(main(reload="--reload" in sys.argv[1:]))
