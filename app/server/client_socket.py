"""The socket of a client: read deadline, write timeout, lingering close."""

import time
from contextlib import suppress
from socket import SHUT_WR, socket
from typing import Any

from gevent import Timeout
from gevent.socket import socket as GeventSocket  # noqa: N812

# How long a closed connection waits until the client has read the response.
LINGER_SECONDS = 2.0


class ClientSocket(GeventSocket):
    """Reads end at `deadline`, writes after the timeout of the socket."""

    # By the monotonic clock. None while no request is being handled.
    deadline: float | None = None
    # Whether the response has begun.
    responding = False

    def __init__(self, accepted: socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())

    def recv(self, *args: Any) -> bytes:
        """
        Raises:
            TimeoutError: no data arrived until the deadline.
        """
        write_timeout = self.gettimeout()
        if self.deadline is not None:
            self.settimeout(max(self.deadline - time.monotonic(), 0.001))
        try:
            return super().recv(*args)
        finally:
            self.settimeout(write_timeout)

    def sendall(self, *args: Any) -> None:
        self.responding = True
        super().sendall(*args)

    def close(self) -> None:
        """Send the end of the response and wait for the client to close (RFC 9112, section 9.6).

        A socket that closes with unread data resets the connection, and the client loses the
        response.
        """
        try:
            if not self.closed:
                with suppress(OSError), Timeout(LINGER_SECONDS, False):
                    self.shutdown(SHUT_WR)
                    while super().recv(65_536):
                        pass
        finally:
            super().close()
