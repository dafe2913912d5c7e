"""A socket that never blocks by itself, with deadlines for who waits for it.

Python asks the kernel again whenever a socket's timeout is set, and before each write of a socket
that has one; each such question lets another thread run, and waits until that has finished. So
the kernel is asked once for what is there, and waited for only when nothing is.
"""

import time
from select import POLLIN, POLLOUT, poll
from socket import socket
from typing import Any

# How much of an answer is kept, to be sent with its head.
PIECE = 64 * 1024


class TimedSocket(socket):
    """A socket whose reads end at a deadline, and whose writes don't wait for long."""

    # How long a client may take for its answer, once the buffers in between are full.
    send_seconds = 10.0
    # Until when a read may wait, by the monotonic clock.
    deadline = 0.0
    # Since when its request has been waiting for a thread.
    queued_at = 0.0

    def __init__(self, accepted: socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        super().setblocking(False)
        self.unsent = bytearray()

    def setblocking(self, flag: bool) -> None:
        """Ask for nothing: it never blocks."""

    def settimeout(self, value: float | None) -> None:
        """Ask for nothing: it has deadlines."""

    def gettimeout(self) -> float:
        return self.send_seconds

    def recv(self, size: int, *_: Any) -> bytes:
        """
        Raises:
            TimeoutError: nothing came until the deadline.
        """
        while True:
            try:
                return super().recv(size)
            except BlockingIOError:
                self.wait(POLLIN, self.deadline)

    def recv_arrived(self) -> bytes | None:
        """What has arrived, without waiting: b"" when the client has gone, None when nothing."""
        try:
            return super().recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def sendall(self, data: Any, *_: Any) -> None:
        """Keep it for `flush`, unless it is much."""
        self.unsent += data
        if len(self.unsent) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Send what `sendall` has kept.

        Raises:
            TimeoutError: the client didn't take it in time.
        """
        unsent, self.unsent = memoryview(self.unsent), bytearray()
        until = time.monotonic() + self.send_seconds
        while unsent:
            try:
                unsent = unsent[super().send(unsent) :]
            except BlockingIOError:
                self.wait(POLLOUT, until)

    def send(self, data: Any, *_: Any) -> int:
        """Send all of it, and now; gunicorn's `100 Continue` comes this way."""
        self.sendall(data)
        self.flush()
        return len(data)

    def sendfile(self, *args: Any, **kwargs: Any) -> int:
        self.flush()
        return super().sendfile(*args, **kwargs)

    def wait(self, event: int, until: float) -> None:
        waiting = poll()
        waiting.register(self, event)
        if not waiting.poll(max(until - time.monotonic(), 0) * 1000):
            raise TimeoutError("timed out")
