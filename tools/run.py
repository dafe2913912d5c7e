"""`make run` and `make dev`: the whole service on this machine, until Ctrl-C.

What keeps it from starting is told in a line that says what to do next. Nothing heavy is imported
before the signals have their handlers: Ctrl-C is no traceback at any moment.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPED = "Stopped. The data is kept; `make run` goes on with it."
ENDED = "The service has ended, its log above says why; `make run` starts it anew."
INTERRUPTED = "Interrupted before the service was ready; `make run` starts it anew."


def main(reload: bool) -> int:
    """Serve, and return 0 if the service was ready before it was interrupted.

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
    for name in SIGNALS:  # once is enough; a second one would interrupt the clearing up
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    sys.exit(main(reload="--reload" in sys.argv[1:]))
