"""A gunicorn worker whose threads are for requests that have arrived.

gunicorn's own `gthread` gives a thread to a connection before its request is there, so a few dozen
clients that send slowly, or nothing, take all threads. Here the event loop collects the head of a
request and a small body, until a deadline; a thread has a deadline for a large one, and for a
client that doesn't read its answer; and the event loop waits for nobody when a connection ends.
A thread is kept for who asks whether the process is alive, lest it is killed when all others wait
for PostgreSQL. TLS ends in front of this server.

The selector knows a connection from its beginning to its end, and a thread that is done with it
doesn't wake the event loop, which looks there when the next request comes.
"""

import gc
import time
from collections import deque
from contextlib import suppress
from errno import EMFILE, ENFILE
from functools import partial
from itertools import takewhile
from selectors import EVENT_READ
from socket import SHUT_WR
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from app.arriving import LIVENESS, Arriving
from app.connection import BUSY, Connection
from app.request_threads import RequestThreads
from app.timed_socket import TimedSocket

HEAD_SECONDS = 10.0
BODY_SECONDS = 5.0
# How long a connection that has ended waits for its client to see that.
LINGER_SECONDS = 2.0
NOTIFY_SECONDS = 1.0
# How long new connections wait when there are no descriptors left for them.
FULL_SECONDS = 1.0


class Worker(ThreadWorker):
    """Overrides how `gthread` waits for requests and for ends, and not how it answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lingering: deque[Any] = deque()
        # Those that a thread is done with.
        self.done: deque[Connection] = deque()
        self.full_until = 0.0
        self.seen_alive = 0.0

    def init_process(self) -> None:
        # They stay as they are. gunicorn looks each up twice, and a few dozen a request.
        self.cfg.__dict__.update({name: each.get() for name, each in self.cfg.settings.items()})
        super().init_process()

    def notify(self) -> None:
        """Tell the master, but for a second not again.

        It's a system call, and when it returns, the loop waits for the thread that runs meanwhile.
        """
        # A turn of the loop takes a second at most; `timeout` is half of the master's patience.
        now = time.monotonic()
        if now - self.seen_alive >= min(NOTIFY_SECONDS, self.timeout - 0.5):
            self.seen_alive = now
            super().notify()

    def load_wsgi(self) -> None:
        """Load the application, which lives as long as the process: it's no garbage.

        To look through it now and then would hold all requests up for some 80 ms.
        """
        super().load_wsgi()
        gc.collect()
        gc.freeze()

    def get_thread_pool(self) -> RequestThreads:
        self.liveness_thread = RequestThreads(1, self.serve)
        return RequestThreads(self.cfg.threads, self.serve)

    def accept(self, listener: Any) -> None:
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            self.leave_waiting(error)
            return
        self.nr_conns += 1
        self.await_request(
            Connection(self.cfg, TimedSocket(accepted), client, listener.getsockname())
        )

    def leave_waiting(self, error: OSError) -> None:
        """Accept nobody for a moment, when the process or the system has no descriptors left."""
        if error.errno not in {EMFILE, ENFILE}:
            raise error
        self.full_until = time.monotonic() + FULL_SECONDS
        self.set_accept_enabled(False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """The event loop calls this at least once a second."""
        super().set_accept_enabled(enabled and time.monotonic() >= self.full_until)

    def await_request(self, conn: Connection, begin: bytes = b"") -> None:
        """Wait for a connection's first request, or for more of one, unless it is there already."""
        conn.request = Arriving(begin)
        if not self.arrived(conn):
            self.wait(conn, self.pending_conns, HEAD_SECONDS)

    def wait(self, conn: Connection, queue: deque[Any], seconds: float) -> None:
        conn.timeout = time.monotonic() + seconds
        conn.queue = queue
        queue.append(conn)
        self.watch(conn)

    def watch(self, conn: Connection) -> None:
        if not conn.watched:
            conn.watched = True
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_readable, conn))

    def unwatch(self, conn: Connection) -> None:
        if conn.watched:
            conn.watched = False
            self.poller.unregister(conn.sock)

    def on_readable(self, conn: Connection, _: Any) -> None:
        if conn.queue is BUSY:
            self.take_back()
        if not conn.watched:  # it has ended while the event loop came here
            return
        if conn.queue is BUSY:
            self.look_away(conn)
        elif conn.queue is self.lingering:
            self.see_off(conn)
        else:
            self.read(conn)

    def look_away(self, conn: Connection) -> None:
        """Don't ask again for what came while a thread is busy with the request before."""
        self.unwatch(conn)
        self.take_back()

    def read(self, conn: Connection) -> None:
        queue = conn.queue
        if self.arrived(conn):
            queue.remove(conn)
        elif queue is self.keepalived_conns:
            queue.remove(conn)
            self.wait(conn, self.pending_conns, HEAD_SECONDS)

    def arrived(self, conn: Connection) -> bool:
        """Take what has come, and go on if there is nothing more to wait for."""
        data = None if conn.request.complete else conn.sock.recv_arrived()
        if data == b"":
            self.drop(conn)
            return True
        if data:
            conn.request.add(data)
        if conn.request.too_long:
            conn.refuse(431)
            self.linger(conn)
            return True
        if conn.request.complete:
            self.go_on(conn)
            return True
        return False

    def go_on(self, conn: Connection) -> None:
        """Give the connection to a thread, and what has been read of it to its parser."""
        # The first answer fits into the socket's buffer; later ones might wait for the client.
        liveness = not conn.initialized and LIVENESS.fullmatch(conn.request.data)
        conn.queue = BUSY
        conn.init()
        conn.parser.unreader.unread(bytes(conn.request.data))
        conn.sock.queued_at = time.monotonic()
        threads = self.liveness_thread if liveness else self.tpool
        threads.submit(conn)

    def serve(self, conn: Connection) -> None:
        """Answer the request. This runs in a thread, all else in the event loop."""
        conn.sock.deadline = time.monotonic() + BODY_SECONDS
        conn.kept, conn.begin = False, b""
        with suppress(Exception, SystemExit):  # gunicorn has logged it
            kept = bool(self.handle(conn))
            conn.sock.flush()
            conn.kept, conn.begin = kept, conn.parser.unreader.take_buffered()
        self.done.append(conn)
        if conn.begin or not (conn.kept and conn.watched and self.alive):
            self.method_queue.defer(self.take_back)

    def handle_request(self, req: Any, conn: Connection) -> Any:
        try:
            kept = super().handle_request(req, conn)
            # Before what the client sends of a body that nobody wanted is waited for.
            conn.sock.flush()
        except TimeoutError as error:
            # The client doesn't read, which gunicorn would log as an error of the service.
            raise StopIteration from error
        return kept

    def take_back(self) -> None:
        while self.done:
            self.finish(self.done.popleft())

    def finish(self, conn: Connection) -> None:
        """Go on with a connection that a thread is done with."""
        if not conn.kept:
            self.linger(conn)
        elif conn.begin:
            # The client has sent more than one request, or one and the beginning of another.
            self.await_request(conn, conn.begin)
        else:
            conn.request = Arriving()
            seconds = self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
            self.wait(conn, self.keepalived_conns, seconds)

    def linger(self, conn: Connection) -> None:
        """End the connection, but read on for a while, lest the answer is lost (RFC 9112, 9.6)."""
        try:
            conn.sock.shutdown(SHUT_WR)
        except OSError:  # it has gone already
            self.drop(conn)
        else:
            self.wait(conn, self.lingering, LINGER_SECONDS)

    def see_off(self, conn: Connection) -> None:
        if conn.sock.recv_arrived() == b"":
            self.lingering.remove(conn)
            self.drop(conn)

    def drop(self, conn: Connection) -> None:
        self.unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    def murder_keepalived(self, force: bool = False) -> None:
        self.take_back()
        super().murder_keepalived(force)

    def murder_pending(self) -> None:
        """Close the connections whose time is over."""
        now = time.monotonic()
        for conn in takewhile(lambda conn: conn.timeout <= now, self.pending_conns):
            if conn.request.data:
                conn.refuse(408)
        super().murder_pending()
        while self.lingering and self.lingering[0].timeout <= now:
            self.drop(self.lingering.popleft())
