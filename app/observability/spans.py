"""What leaves the service in spans.

Instrumentation tells all it knows: URLs, addresses, and messages of PostgreSQL with values of rows.
Here is what may go, and the rest stays, whatever a later version of it thinks of.
"""

from collections.abc import Mapping, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status

# By their names of old and of now, because OTEL_SEMCONV_STABILITY_OPT_IN chooses.
ATTRIBUTES = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.route",
        "http.status_code",
        "http.response.status_code",
        "error.type",
        "db.system",
        "db.system.name",
        "db.name",
        "db.namespace",
        # Statements have placeholders where their values go.
        "db.statement",
        "db.query.text",
    }
)


class Discreet(SpanExporter):
    """An exporter that hands on what may go."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.exporter.export([discreet(span) for span in spans])

    def shutdown(self) -> None:
        self.exporter.shutdown()


def discreet(span: ReadableSpan) -> ReadableSpan:
    """The span without its events, and without what isn't in `ATTRIBUTES`."""
    given = span.attributes or {}
    kept = {name: value for name, value in given.items() if name in ATTRIBUTES}
    for event in span.events:
        if error := (event.attributes or {}).get("exception.type"):
            kept.setdefault("error.type", error)
    return ReadableSpan(
        name_of(span, kept),
        span.context,
        span.parent,
        span.resource,
        kept,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def name_of(span: ReadableSpan, kept: Mapping[str, object]) -> str:
    """Of a request its method and route, where the instrumentation has the URL."""
    if span.kind is not SpanKind.SERVER:
        return span.name
    method = kept.get("http.method") or kept.get("http.request.method") or "HTTP"
    return f"{method} {kept['http.route']}" if "http.route" in kept else str(method)
