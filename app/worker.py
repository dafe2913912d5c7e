"""A gunicorn worker whose threads are for requests that have arrived.

gunicorn's own `gthread` gives a thread to a connection before its request is there, so a few dozen
clients that send slowly, or nothing, take all threads. Here the event loop collects the head of a
request and a small body, until a deadline, and a thread has a deadline for a large one.
TLS ends in front of this server.
"""

import re
import time
from functools import partial
from itertools import takewhile
from selectors import EVENT_READ
from socket import socket
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 10.0
BODY_SECONDS = 5.0
# More than gunicorn's own limits on line and fields allow; it's the parser that refuses.
MAX_HEAD = 128 * 1024
END_OF_HEAD = b"\r\n\r\n"
SMALL_BODY = 64 * 1024
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)


def complete(request: bytearray) -> bool:
    """Whether a thread can do something with what has come: all of the head, and a small body.

    A large body is left to the thread and its deadline, and so is a client that waits for a
    `100 Continue`.
    """
    end = request.find(END_OF_HEAD)
    if end < 0:
        return len(request) >= MAX_HEAD
    length = LENGTH.search(request, 0, end + 2)
    if length is None or EXPECT.search(request, 0, end + 2):
        return True
    missing = int(length[1]) - (len(request) - end - len(END_OF_HEAD))
    return missing <= 0 or int(length[1]) > SMALL_BODY


class TimedSocket(socket):
    """A socket whose blocking reads end at a deadline."""

    deadline = 0.0

    def recv(self, *args: Any) -> bytes:
        self.settimeout(max(self.deadline - time.monotonic(), 0.001))
        try:
            return super().recv(*args)
        finally:
            self.settimeout(None)

    def recv_arrived(self) -> bytes | None:
        """What has arrived, without waiting: b"" when the client has gone, None when nothing."""
        try:
            return super().recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            return b""


class Worker(ThreadWorker):
    """Overrides how `gthread` waits for requests, and nothing of how it answers them."""

    def accept(self, listener: Any) -> None:
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        sock = TimedSocket(fileno=accepted.detach())
        self.nr_conns += 1
        self.await_head(TConn(self.cfg, sock, client, listener.getsockname()))

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.await_head(conn)

    def await_head(self, conn: Any) -> None:
        """Watch a connection for the head of its next request, unless it is there already."""
        conn.head = bytearray()
        if self.collected(conn):
            return
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        if self.collected(conn):
            self.pending_conns.remove(conn)

    def collected(self, conn: Any) -> bool:
        """Take what has arrived; whether that ends the waiting, one way or the other."""
        arrived = conn.sock.recv_arrived()
        if arrived is None:
            return False
        conn.head += arrived
        if arrived and not complete(conn.head):
            return False
        self.unwatch(conn)
        if arrived:
            self.hand_over(conn)
        else:
            self.nr_conns -= 1
            conn.close()
        return True

    def unwatch(self, conn: Any) -> None:
        if conn.sock.fileno() in self.poller.get_map():
            self.poller.unregister(conn.sock)

    def murder_pending(self) -> None:
        """Close the connections whose request did not come in time."""
        now = time.monotonic()
        for conn in takewhile(lambda conn: conn.timeout <= now, self.pending_conns):
            if conn.head:
                util.write_error(conn.sock, 408, "Request Timeout", "")
        super().murder_pending()

    def hand_over(self, conn: Any) -> None:
        """Give the connection to a thread, and what has been read of it to its parser."""
        conn.init()
        conn.parser.unreader.unread(bytes(conn.head))
        self.enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        conn.sock.deadline = time.monotonic() + BODY_SECONDS
        return super().handle(conn)
