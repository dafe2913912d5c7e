"""The load generator, against a small server that counts requests."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from selectors import DefaultSelector

import pytest

from bench.load import Plan, connected, run

GOOD = "GET /good HTTP/1.1\r\nHost: test\r\n\r\n"
BAD = "GET /bad HTTP/1.1\r\nHost: test\r\n\r\n"
BROKEN = "GET /broken HTTP/1.1\r\nHost: test\r\n\r\n"
KEYED = "POST /good HTTP/1.1\r\nContent-Length: 2\r\nIdempotency-Key: {key}\r\n\r\n{}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def response(self):
        self.server.seen.append((self.path, self.headers["Idempotency-Key"]))
        self.server.connections.add(self.client_address)
        if self.path == "/broken":
            self.close_connection = True
            return
        self.send_response(200 if self.path == "/good" else 503)
        body = b"x" * 100_000
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = response  # noqa: N815

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen, server.connections = [], set()
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server
        finally:
            server.shutdown()


def loaded(server, *clients, warm_up=0.0):
    return run(Plan(server.server_port, [list(each) for each in clients], warm_up, 0.4))


class TestRun:
    def test_counts_every_response(self):
        with serving() as server:
            report = loaded(server, [GOOD], [GOOD])

        assert report.errors == 0
        assert report.completed == len(server.seen)
        # The last response of each client may arrive after the end of the measurement.
        assert len(server.seen) - 2 <= round(report.requests_per_second * 0.4) <= len(server.seen)
        assert 0 < report.p50_ms <= report.p99_ms

    @pytest.mark.parametrize("bad", [BAD, BROKEN])
    def test_counts_errors_apart(self, bad):
        with serving() as server:
            report = loaded(server, [GOOD, bad])

        bad_ones = len([path for path, _ in server.seen if path != "/good"])
        assert report.errors > 0
        assert bad_ones - 1 <= report.errors <= bad_ones

    def test_the_warm_up_is_completed_and_not_measured(self):
        with serving() as server:
            report = loaded(server, [BAD], warm_up=0.4)

        assert 0 < report.errors < report.completed == len(server.seen)

    def test_every_key_is_new(self):
        with serving() as server:
            loaded(server, [KEYED])

        keys = [key for _, key in server.seen]
        assert len(keys) == len(set(keys)) > 1

    def test_a_connection_is_renewed_when_its_time_is_over(self, monkeypatch):
        monkeypatch.setattr("bench.load.CONNECTION_SECONDS", 0)
        with serving() as server:
            report = loaded(server, [GOOD])

        assert report.errors == 0
        assert report.completed == len(server.seen) == len(server.connections) > 1

    def test_a_connection_is_kept_until_then(self, monkeypatch):
        monkeypatch.setattr("bench.load.CONNECTION_SECONDS", 60)
        with serving() as server:
            report = loaded(server, [GOOD])

        assert report.completed > len(server.connections) == 1

    def test_renewed_connection_has_the_same_lifetime(self, monkeypatch):
        monkeypatch.setattr("bench.load.CONNECTION_SECONDS", 0.1)
        with serving() as server:
            report = loaded(server, [GOOD])

        assert 2 <= len(server.connections) <= 5
        assert report.completed > 2 * len(server.connections)

    def test_connections_are_renewed_one_after_another(self, monkeypatch):
        monkeypatch.setattr("bench.load.CONNECTION_SECONDS", 1000)
        with serving() as server, DefaultSelector() as selector:
            clients = connected(Plan(server.server_port, [[GOOD]] * 4, 0, 0), selector)
            for client in clients:
                client.close()

        first = clients[0].ends_at
        assert [round((first - each.ends_at) / 250) for each in clients] == [0, 1, 2, 3]
