"""Time that a request waits before a worker reads it: accept queue and event loop (Linux)."""

import socket
import sys
import time
from typing import Any

# tcpi_last_data_recv of `struct tcp_info` (linux/tcp.h): milliseconds.
OFFSET, SIZE = 52, 4
# The clock of the kernel ticks every 1 to 10 ms, so less than this can be an error of rounding.
LEAST = 20


def start_time(environ: dict[str, Any]) -> float:
    """Return when the last bytes of the request arrived, on the clock of `time.perf_counter`.

    A worker calls this when it has read the head. A slow client does not count, because its last
    bytes have just arrived.
    """
    key = "flask_api.start_time"
    if key not in environ:
        waited = milliseconds_since_data(environ.get("gunicorn.socket"))
        environ[key] = time.perf_counter() - (waited if waited >= LEAST else 0) / 1000
    started: float = environ[key]
    return started


def milliseconds_since_data(connection: Any) -> int:
    """Return how long ago the kernel received data; 0 where it does not tell, as for Unix sockets.

    `connection` is None without gunicorn.
    """
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, OFFSET + SIZE)
    except (AttributeError, OSError):
        return 0
    return int.from_bytes(info[OFFSET:], sys.byteorder)
