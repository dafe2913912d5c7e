"""A gunicorn worker whose threads are for requests that have arrived.

gunicorn's own `gthread` gives a thread to a connection before its request is there, so a few dozen
clients that send slowly, or nothing, take all threads. Here the event loop collects the head of a
request, however long that takes within reason, and a thread has a deadline for the rest.
TLS ends in front of this server.
"""

import time
from functools import partial
from selectors import EVENT_READ
from socket import socket
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
# More than gunicorn's own limits on line and fields allow; it's the parser that refuses.
MAX_HEAD = 128 * 1024
END_OF_HEAD = b"\r\n\r\n"


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
        """Watch a connection for the head of its next request."""
        conn.head = bytearray()
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        arrived = conn.sock.recv_arrived()
        if arrived is None:
            return
        conn.head += arrived
        if arrived and END_OF_HEAD not in conn.head and len(conn.head) < MAX_HEAD:
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if arrived:
            self.hand_over(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def hand_over(self, conn: Any) -> None:
        """Give the connection to a thread, and what has been read of it to its parser."""
        conn.init()
        conn.parser.unreader.unread(bytes(conn.head))
        self.enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        conn.sock.deadline = time.monotonic() + BODY_SECONDS
        return super().handle(conn)
