"""Small TCP proxy in place of a Kubernetes Service."""

from collections.abc import Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from socket import SHUT_WR, create_connection, socket
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import httpx


class ClusterIP(ThreadingTCPServer):
    """Kubernetes Service: a new connection goes to the current endpoint.

    Open connections stay with their endpoint, even after its removal.
    """

    request_queue_size = 128

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.endpoint = url
        self.open: list[str] = []

    @contextmanager
    def running(self) -> Iterator[int]:
        """Run the proxy until the end of the block, and yield its port."""
        with self:
            thread = Thread(target=self.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield self.server_address[1]
            finally:
                self.shutdown()
                thread.join()


class Relay(BaseRequestHandler):
    """One connection; forwards half-closed connections too."""

    server: ClusterIP

    def handle(self) -> None:
        endpoint = self.server.endpoint
        url = httpx.URL(endpoint)
        with create_connection((url.host, url.port)) as upstream:
            self.server.open.append(endpoint)
            try:
                relay(self.request, upstream)
            except OSError:
                pass  # Both sides see that this connection closes.
            finally:
                self.server.open.remove(endpoint)


def relay(client: socket, upstream: socket) -> None:
    """Forward data in both directions until both sides have closed."""
    with DefaultSelector() as selector:
        selector.register(client, EVENT_READ, upstream)
        selector.register(upstream, EVENT_READ, client)
        while selector.get_map():
            for key, _ in selector.select():
                if data := key.fileobj.recv(65_536):
                    key.data.sendall(data)
                else:
                    selector.unregister(key.fileobj)
                    key.data.shutdown(SHUT_WR)
