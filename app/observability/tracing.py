"""OpenTelemetry traces of requests, SQL and Redis.

Tracing starts in each worker, because a fork does not copy the exporter's thread. The standard
OTEL_* environment variables apply. app/observability/span_exporter.py filters the spans.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any

from flask import Flask
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from app.observability import logging
from app.observability.span_exporter import FilteringSpanExporter
from app.settings import Settings
from app.version import __version__

# Maximum wait for the last spans when a worker stops.
FLUSH_SECONDS = 3.0


def init_app(app: Flask) -> Callable[[], None]:
    """Start to trace `app`; return a function that sends the last spans and stops tracing."""
    settings: Settings = app.extensions["settings"]
    exporter = OTLPSpanExporter(f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces")
    provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(FilteringSpanExporter(exporter)))
    # The dependency check of this instrumentation does not accept psycopg2-binary.
    Psycopg2Instrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
    RedisInstrumentor().instrument(tracer_provider=provider)
    app.wsgi_app = OpenTelemetryMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, response_hook=name_route, tracer_provider=provider
    )
    logging.trace_id = trace_id
    return lambda: shut_down(provider)


def resource() -> Resource:
    """Return the resource attributes; the OTEL_* environment variables override the defaults."""
    ours = {"service.name": "flask-api", "service.version": __version__}
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def name_route(span: trace.Span, environ: dict[str, Any], *_: Any) -> None:
    rule = environ["werkzeug.request"].url_rule
    if rule:
        span.set_attribute("http.route", rule.rule)


def trace_id() -> str | None:
    """Return the id of the current trace for the log, or None."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def shut_down(provider: TracerProvider) -> None:
    """Stop tracing; wait at most `FLUSH_SECONDS` for the collector."""
    sending = Thread(target=provider.shutdown, daemon=True)
    sending.start()
    sending.join(FLUSH_SECONDS)
