"""OpenTelemetry span exporter that sends only allowed attributes.

Other attributes can contain personal data. See docs/decisions/0015-trace-attributes.md.
"""

from collections.abc import Mapping, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status

# The old and new name of each attribute; OTEL_SEMCONV_STABILITY_OPT_IN selects between them.
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
        # SQL with placeholders instead of values.
        "db.statement",
        "db.query.text",
    }
)


class FilteringSpanExporter(SpanExporter):
    """Removes personal data from spans and passes the spans to another exporter."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.exporter.export([filtered(span) for span in spans])

    def shutdown(self) -> None:
        self.exporter.shutdown()


def filtered(span: ReadableSpan) -> ReadableSpan:
    """Return the span without events and with allowed attributes only."""
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
    """Return the name of the span; for a request, the method and the route instead of the URL."""
    if span.kind is not SpanKind.SERVER:
        return span.name
    method = kept.get("http.method") or kept.get("http.request.method") or "HTTP"
    return f"{method} {kept['http.route']}" if "http.route" in kept else str(method)
