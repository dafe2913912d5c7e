"""gunicorn's gevent worker, with a timeout for slow clients and errors as problem documents."""

from contextlib import suppress
from typing import Any

import gevent
from gunicorn.http.errors import ParseException
from gunicorn.util import close_graceful
from gunicorn.workers.ggevent import GeventWorker

from app.server import errors

# For each read of a body and each write of a response. `keepalive` bounds the wait for a request
# and its head.
SOCKET_SECONDS = 10.0
# Bytes of a body that the application did not read.
MAX_UNREAD = 65_536


class Worker(GeventWorker):
    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        # gunicorn asks the listener for its address, but a stop may have closed it by now.
        super().handle(client, client, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Handle a request.

        Raises:
            StopIteration: the connection ends; gunicorn's loop expects this exception.
        """
        sock.settimeout(SOCKET_SECONDS)
        try:
            super().handle_request(listener_name, req, sock, addr)
            gevent.sleep(0)  # a client that always has data ready must not keep the event loop
            # After a body that is not read to its end, the next request has no known beginning.
            if req.body.failed or len(req.body.read(MAX_UNREAD + 1)) > MAX_UNREAD:
                raise StopIteration
        except (StopIteration, TimeoutError, ParseException) as error:
            # Without waiting for the client to close, unread data resets the connection, and the
            # client loses the response (RFC 9112, section 9.6).
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
