"""gunicorn's gevent worker, with a timeout for slow clients and errors as problem documents."""

from contextlib import suppress
from typing import Any

import gevent
from gunicorn.util import close_graceful
from gunicorn.workers.ggevent import GeventWorker

from app.server import errors

# Timeout of each read of a request body and of each write of a response. gunicorn's `keepalive` is
# the timeout for a request head.
SOCKET_SECONDS = 10.0


class Worker(GeventWorker):
    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        # gunicorn reads the server address from `listener`, which a shutdown may have closed. The
        # client's socket has it, too.
        super().handle(client, client, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Handle a request.

        Raises:
            StopIteration: the connection must close; gunicorn's loop handles this exception.
        """
        sock.settimeout(SOCKET_SECONDS)
        try:
            super().handle_request(listener_name, req, sock, addr)
            gevent.sleep(0)  # let other greenlets run, even if this client sends without a pause
            req.body.read()  # skip the rest of the body, so that the next request can be read
        except (StopIteration, TimeoutError) as error:
            # Wait up to two seconds for the client to close the connection. Otherwise unread data
            # would reset it, and the client could lose the response (RFC 9112, section 9.6).
            close_graceful(sock)
            raise StopIteration from error
        sock.settimeout(None)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        status = errors.status_of(exc)
        if status == 500:
            self.log.exception("Error handling request")
        else:
            self.log.warning("Invalid request from ip=%s: %s", addr[0] if addr else "", exc)
        with suppress(OSError):
            client.settimeout(SOCKET_SECONDS)
            client.sendall(errors.response(status))
            close_graceful(client)
