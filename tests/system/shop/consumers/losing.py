"""TCP proxy that closes the connection instead of returning the response."""

import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import httpx

ORDER = re.compile(rb"POST /api/orders .*?^idempotency-key: (\S+)", re.DOTALL | re.I | re.M)


class Proxy(ThreadingTCPServer):
    """Lose the first response to each Idempotency-Key, and all responses to orders without one."""

    daemon_threads = True

    def __init__(self, upstream: httpx.URL) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.upstream = (upstream.host, upstream.port)
        self.lost: set[bytes] = set()

    def loses(self, request: bytes) -> bool:
        if not request.startswith(b"POST /api/orders "):
            return False
        key = ORDER.search(request)
        known = key is not None and key[1] in self.lost
        if key:
            self.lost.add(key[1])
        return not known


class Connection(BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        with socket.create_connection(self.server.upstream) as upstream:
            losing = False
            while True:
                for source in select.select([self.request, upstream], [], [])[0]:
                    data = source.recv(65_536)
                    if not data or (source is upstream and losing):
                        return  # closes both connections
                    if source is self.request:
                        losing = losing or self.server.loses(data)
                        upstream.sendall(data)
                    else:
                        self.request.sendall(data)


@contextmanager
def losing_proxy(upstream: str) -> Iterator[str]:
    with Proxy(httpx.URL(upstream)) as proxy:
        thread = Thread(target=proxy.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_address[1]}"
        finally:
            proxy.shutdown()
            thread.join()
