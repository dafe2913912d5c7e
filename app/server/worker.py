"""gunicorn's gevent worker, with deadlines for slow clients and errors as problem documents."""

import time
from contextlib import suppress
from socket import SHUT_RD
from typing import Any

from gevent import Timeout, spawn
from gevent.socket import wait_read
from gunicorn.workers.ggevent import GeventWorker

from app.server import errors
from app.server.client_socket import LINGER_SECONDS, ClientSocket


class Worker(GeventWorker):
    """gunicorn has one deadline, `keepalive`, for an idle connection and for a request head."""

    head_seconds = 10.0
    body_seconds = 5.0
    write_seconds = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The requests that are being handled, and the connections on which none has begun.
        self.in_flight: dict[Any, ClientSocket] = {}
        self.idle: set[ClientSocket] = set()
        self.idle_ends_at: float | None = None

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        connection = ClientSocket(client)
        if self.wait_for_request(connection, self.head_seconds):
            # gunicorn asks the listener for its address, but a stop may have closed it by now.
            super().handle(connection, connection, addr)
        else:
            connection.close()

    def wait_for_request(self, client: ClientSocket, seconds: float) -> bool:
        """Return whether data, or the end of the connection, arrives in time."""
        self.idle.add(client)
        try:
            wait_read(client.fileno(), seconds, TimeoutError())
        except TimeoutError:
            return False
        finally:
            self.idle.discard(client)
        return True

    def timeout_ctx(self) -> Timeout:
        """Return the deadline for the rest of a request head."""
        return Timeout(self.head_seconds, errors.HeadTimeout())

    def handle_request(self, listener_name: Any, req: Any, sock: ClientSocket, addr: Any) -> None:
        """Handle one request, then wait for the next one.

        Raises:
            StopIteration: the connection ends; gunicorn's loop expects this exception.
        """
        sock.settimeout(self.write_seconds)
        sock.deadline = time.monotonic() + self.body_seconds
        sock.responding = False
        self.in_flight[req] = sock
        try:
            super().handle_request(listener_name, req, sock, addr)
        except TimeoutError as error:
            # The client does not read. gunicorn would log it as an error of the service.
            raise StopIteration from error
        finally:
            del self.in_flight[req]
        sock.deadline = None
        if req.body.failed or not self.next_request(req, sock):
            raise StopIteration

    def next_request(self, req: Any, client: ClientSocket) -> bool:
        """Wait for the next request; a client may have sent it together with this one."""
        sent_already = req.unreader.buf.getvalue()
        return bool(sent_already) or self.wait_for_request(client, self.cfg.keepalive)

    def handle_error(self, req: Any, client: ClientSocket, addr: Any, exc: BaseException) -> None:
        status = errors.status_of(exc)
        if status == 500:
            self.log.exception("Error handling request")
        elif status != 408:
            self.log.warning("Invalid request from ip=%s: %s", addr[0] if addr else "", exc)
        with suppress(OSError):
            client.settimeout(self.write_seconds)
            client.sendall(errors.response(status))

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop, on SIGTERM. gunicorn itself ends the connections of later requests only."""
        super().handle_exit(sig, frame)
        # Not here, where a signal may have interrupted anything.
        spawn(self.close_after_responses)

    def close_after_responses(self) -> None:
        """Send `Connection: close` with each response that has not begun."""
        for request, client in self.in_flight.items():
            if not client.responding:
                request.force_close()

    def notify(self) -> None:
        """Tell the master once a second that this worker is alive; end idle connections at a stop.

        gunicorn would wait for them as long as for requests.
        """
        super().notify()
        if self.alive:
            return
        now = time.monotonic()
        self.idle_ends_at = self.idle_ends_at or now + LINGER_SECONDS
        if now >= self.idle_ends_at:
            for client in self.idle:
                with suppress(OSError):
                    client.shutdown(SHUT_RD)
