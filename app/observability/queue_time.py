"""Time that a request waits in the accept queue and event loop before a worker reads it (Linux)."""

import socket
import sys
import time
from typing import Any

# Position of `tcpi_last_data_recv` in `struct tcp_info` (linux/tcp.h); the unit is milliseconds.
OFFSET, SIZE = 52, 4
# The kernel's clock ticks every 1 to 10 ms, so shorter times can be rounding errors.
MIN_MILLISECONDS = 20


def start_time(environ: dict[str, Any]) -> float:
    """Return when the last bytes of the request arrived, on the clock of `time.perf_counter`.

    A worker calls this after it has read the request head. The wait for a slow client does not
    count, because its last bytes have just arrived.
    """
    waited = milliseconds_since_data(environ.get("gunicorn.socket"))
    return time.perf_counter() - (waited if waited >= MIN_MILLISECONDS else 0) / 1000


def milliseconds_since_data(connection: Any) -> int:
    """Return the milliseconds since the kernel last received data.

    The result is 0 for a Unix socket, and without gunicorn (`connection` is None).
    """
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, OFFSET + SIZE)
    except (AttributeError, OSError):
        return 0
    return int.from_bytes(info[OFFSET:], sys.byteorder)
