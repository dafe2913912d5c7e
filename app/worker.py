"""A gunicorn worker whose threads are for requests that have arrived.

gunicorn's own `gthread` gives a thread to a connection before its request is there, so a few dozen
clients that send slowly, or nothing, take all threads. Here the event loop collects the head of a
request and a small body, until a deadline; a thread has a deadline for a large one, and for a
client that doesn't read its answer; and the event loop waits for nobody when a connection ends.
A thread is kept for who asks whether the process is alive, lest it is killed when all others wait
for PostgreSQL. TLS ends in front of this server.
"""

import re
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from errno import EMFILE, ENFILE
from functools import partial
from itertools import takewhile
from selectors import EVENT_READ
from socket import SHUT_WR, socket
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

HEAD_SECONDS = 10.0
BODY_SECONDS = 5.0
# How long a client may take nothing of its answer.
SEND_SECONDS = 10.0
# How long a connection that has ended waits for its client to see that.
LINGER_SECONDS = 2.0
# How long new connections wait when there are no descriptors left for them.
FULL_SECONDS = 1.0
# More than gunicorn's own limits on line and fields allow; it's the parser that refuses.
MAX_HEAD = 128 * 1024
END_OF_HEAD = b"\r\n\r\n"
SMALL_BODY = 64 * 1024
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
EXPECT = re.compile(rb"\r\nexpect:", re.IGNORECASE)
# Without a body, because nobody must be able to keep that thread waiting.
LIVENESS = re.compile(
    rb"GET /api/health/live HTTP/1\.[01]\r\n"
    rb"((?!content-length|transfer-encoding|expect)[^\r\n]+\r\n)*\r\n",
    re.IGNORECASE,
)


class Arriving:
    """A request, as far as it has arrived; each byte is looked at once."""

    def __init__(self, begin: bytes = b"") -> None:
        self.data = bytearray()
        self.needed: int | None = None  # how long it is, once its head is there
        if begin:
            self.add(begin)

    def add(self, data: bytes) -> None:
        searched = max(0, len(self.data) - len(END_OF_HEAD))
        self.data += data
        if self.needed is None and (end := self.data.find(END_OF_HEAD, searched)) >= 0:
            self.needed = end + len(END_OF_HEAD) + self._body(end)

    def _body(self, end: int) -> int:
        """The length of a small body.

        A large one is left to the thread and its deadline, and so is a client that waits for a
        `100 Continue`.
        """
        length = LENGTH.search(self.data, 0, end + 2)
        if length is None or EXPECT.search(self.data, 0, end + 2):
            return 0
        return int(length[1]) if int(length[1]) <= SMALL_BODY else 0

    @property
    def complete(self) -> bool:
        """Whether a thread can do something with it."""
        if self.needed is None:
            return len(self.data) >= MAX_HEAD
        return len(self.data) >= self.needed


class TimedSocket(socket):
    """A socket whose blocking reads end at a deadline, and whose writes don't wait for long."""

    deadline = 0.0
    # Since when its request has been waiting for a thread.
    queued_at = 0.0

    def setblocking(self, flag: bool) -> None:
        self.settimeout(SEND_SECONDS if flag else 0)

    def recv(self, *args: Any) -> bytes:
        self.settimeout(max(self.deadline - time.monotonic(), 0.001))
        try:
            return super().recv(*args)
        finally:
            self.setblocking(True)

    def recv_arrived(self) -> bytes | None:
        """What has arrived, without waiting: b"" when the client has gone, None when nothing."""
        try:
            return super().recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            return b""


class Worker(ThreadWorker):
    """Overrides how `gthread` waits for requests and for ends, and not how it answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lingering: deque[Any] = deque()
        self.full_until = 0.0
        self.liveness_thread = ThreadPoolExecutor(max_workers=1)

    def accept(self, listener: Any) -> None:
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            self.leave_waiting(error)
            return
        sock = TimedSocket(fileno=accepted.detach())
        self.nr_conns += 1
        self.await_request(TConn(self.cfg, sock, client, listener.getsockname()))

    def leave_waiting(self, error: OSError) -> None:
        """Accept nobody for a moment, when the process or the system has no descriptors left."""
        if error.errno not in {EMFILE, ENFILE}:
            raise error
        self.full_until = time.monotonic() + FULL_SECONDS
        self.set_accept_enabled(False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """The event loop calls this at least once a second."""
        super().set_accept_enabled(enabled and time.monotonic() >= self.full_until)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.await_request(conn)

    def await_request(self, conn: Any, begin: bytes = b"") -> None:
        """Watch a connection for its next request, unless that is there already."""
        conn.request = Arriving(begin)
        conn.sock.setblocking(False)
        if self.arrived(conn):
            self.go_on(conn)
        else:
            self.watch(conn, self.pending_conns, HEAD_SECONDS, self.on_pending_socket_readable)

    def watch(self, conn: Any, queue: deque[Any], seconds: float, callback: Any) -> None:
        conn.timeout = time.monotonic() + seconds
        queue.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(callback, conn))

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        if self.arrived(conn):
            self.pending_conns.remove(conn)
            self.poller.unregister(client)
            self.go_on(conn)

    def arrived(self, conn: Any) -> bool:
        """Take what has come; whether that ends the waiting, one way or the other."""
        data = None if conn.request.complete else conn.sock.recv_arrived()
        conn.gone = data == b""
        if data:
            conn.request.add(data)
        return conn.gone or conn.request.complete

    def go_on(self, conn: Any) -> None:
        """Give the connection to a thread, and what has been read of it to its parser."""
        if conn.gone:
            self.drop(conn)
            return
        # The first answer fits into the socket's buffer; later ones might wait for the client.
        liveness = not conn.initialized and LIVENESS.fullmatch(conn.request.data)
        conn.init()
        conn.parser.unreader.unread(bytes(conn.request.data))
        conn.sock.queued_at = time.monotonic()
        threads = self.liveness_thread if liveness else self.tpool
        threads.submit(self.handle, conn).add_done_callback(partial(self.handled, conn))

    def handled(self, conn: Any, done: Future[bool]) -> None:
        self.method_queue.defer(self.finish_request, conn, done)

    def handle(self, conn: Any) -> Any:
        conn.sock.deadline = time.monotonic() + BODY_SECONDS
        return super().handle(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Go on with a connection that a thread is done with."""
        kept = not fs.cancelled() and fs.exception() is None and fs.result()
        if not kept:
            self.linger(conn)
        elif begin := conn.parser.unreader.take_buffered():
            # The client has sent more than one request, or one and the beginning of another.
            self.await_request(conn, begin)
        else:
            super().finish_request(conn, fs)

    def linger(self, conn: Any) -> None:
        """End the connection, but read on for a while, lest the answer is lost (RFC 9112, 9.6)."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(SHUT_WR)
            self.watch(conn, self.lingering, LINGER_SECONDS, self.on_lingering_socket_readable)
        except (OSError, ValueError):  # it has gone already
            self.drop(conn)

    def on_lingering_socket_readable(self, conn: Any, client: Any) -> None:
        if conn.sock.recv_arrived() == b"":
            self.lingering.remove(conn)
            self.poller.unregister(client)
            self.drop(conn)

    def drop(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Close the connections whose time is over."""
        now = time.monotonic()
        for conn in takewhile(lambda conn: conn.timeout <= now, self.pending_conns):
            if conn.request.data:
                util.write_error(conn.sock, 408, "Request Timeout", "")
        super().murder_pending()
        while self.lingering and self.lingering[0].timeout <= now:
            conn = self.lingering.popleft()
            self.poller.unregister(conn.sock)
            self.drop(conn)
