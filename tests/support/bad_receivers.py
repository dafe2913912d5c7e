"""Receivers of webhooks that are slow, fail or do not listen for a time."""

import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Lock, Thread
from zlib import crc32

from tests.support.http_servers import BurstServer
from tools.embedded import free_port


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # The deliverer was killed.
            return
        status = self.server.receiver.status(self.headers["webhook-id"], body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@dataclass
class Receiver:
    """A receiver that is slow, or fails a third of the messages before it accepts them."""

    delay: float = 0
    fails: bool = False
    port: int = field(default_factory=free_port)
    attempts: Counter = field(default_factory=Counter)
    bodies: dict = field(default_factory=dict)
    accepted: Counter = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def start(self, stack):
        server = BurstServer(("127.0.0.1", self.port), Handler)
        server.receiver = self
        Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
        stack.callback(server.server_close)
        stack.callback(server.shutdown)

    def status(self, event_id, body):
        time.sleep(self.delay)
        with self.lock:
            self.attempts[event_id] += 1
            # A duplicate is the same message.
            assert self.bodies.setdefault(event_id, body) == body
            if self.fails and (crc32(event_id.encode()) + self.attempts[event_id]) % 3 == 0:
                return 500
            self.accepted[event_id] += 1
            return 204
