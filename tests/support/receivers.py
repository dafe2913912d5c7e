"""Receivers of webhooks: a server that sends given bytes, also over TLS."""

import json
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from itertools import chain, repeat
from socketserver import BaseRequestHandler, ThreadingTCPServer

from services.webhook_addresses import AddressRules
from services.webhook_requests import post

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

NETWORKS = (ip_network("127.0.0.0/8"),)
BODY = json.dumps({"type": "user.registered"}).encode()


@dataclass
class Receiver:
    port: int
    # The head and body of each request.
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def receiver(*pieces, forever=b"", every=0.0, tls=None, reads=True):
    """Run a server that sends the pieces, then `forever` again and again, to each client.

    The server first reads a request if `reads`. It waits `every` seconds before each piece.
    """

    class Handler(BaseRequestHandler):
        def handle(self):
            with suppress(OSError):
                connection = (
                    tls.wrap_socket(self.request, server_side=True) if tls else self.request
                )
                if reads:
                    found.requests.append(request(connection))
                for piece in chain(pieces, repeat(forever) if forever else ()):
                    if stopped.wait(every):
                        break
                    connection.sendall(piece)
                if tls:
                    connection.close()

    stopped = threading.Event()
    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found = Receiver(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        try:
            yield found
        finally:
            stopped.set()
            server.shutdown()
            thread.join()


def request(connection):
    """Return a request with its body, whose length is in `Content-Length`."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def certificate(folder, name):
    """Create a self-signed certificate for a name; return the paths of certificate and key."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    kind = "IP" if name[0].isdecimal() else "DNS"
    command = (
        *("openssl", "req", "-x509", "-nodes", "-days", "1", "-newkey", "rsa:2048"),
        *("-subj", f"/CN={name}", "-addext", f"subjectAltName={kind}:{name}"),
        *("-out", paths[0], "-keyout", paths[1]),
    )
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return paths


def send(port, path="/hook", host="127.0.0.1", headers=None, timeout=5.0):
    rules = AddressRules(False, frozenset({port}), NETWORKS)
    return post(f"http://{host}:{port}{path}", headers or {}, BODY, rules, timeout)


def raw_response(*lines, body=b""):
    return "\r\n".join([*lines, "", ""]).encode() + body
