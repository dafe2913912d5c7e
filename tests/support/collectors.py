"""OpenTelemetry collector for tests (OTLP over HTTP): it keeps the spans in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span


class Collector(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def resources(self) -> list[ResourceSpans]:
        messages = [ExportTraceServiceRequest.FromString(body) for body in list(self.bodies)]
        return [each for message in messages for each in message.resource_spans]

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans received for a trace."""
        scopes = [scope for each in self.resources() for scope in each.scope_spans]
        spans = [span for scope in scopes for span in scope.spans]
        return [span for span in spans if span.trace_id.hex() == trace_id]


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        yield collector
        collector.shutdown()


def attribute_values(attributes: Any) -> dict[str, Any]:
    """Return the attributes of a span or of a resource."""
    values = ((each.key, each.value) for each in attributes)
    return {key: getattr(value, str(value.WhichOneof("value"))) for key, value in values}
