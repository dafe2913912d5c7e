"""Traces of requests, SQL and Redis, sent to an OpenTelemetry collector.

A worker begins after its fork, so that the thread that sends is its own. All the usual OTEL_*
variables of the environment hold. What a span may tell is in app/observability/spans.py.
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
from app.observability.spans import Discreet
from app.settings import Settings
from app.version import __version__

# How long the end of a worker waits until its last spans are sent.
FLUSH_SECONDS = 3.0


def init_app(app: Flask) -> Callable[[], None]:
    """Trace what `app` does from now on; what is returned ends that, and sends the last spans."""
    settings: Settings = app.extensions["settings"]
    exporter = OTLPSpanExporter(f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces")
    provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Discreet(exporter)))
    # It can't know whom psycopg2-binary and SQLAlchemy 2.1 get along with.
    Psycopg2Instrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
    RedisInstrumentor().instrument(tracer_provider=provider)
    app.wsgi_app = OpenTelemetryMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, response_hook=name_route, tracer_provider=provider
    )
    logging.trace_id = trace_id
    return lambda: shut_down(provider)


def resource() -> Resource:
    """Who sends; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say it better."""
    ours = {"service.name": "flask-api", "service.version": __version__}
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def name_route(span: trace.Span, environ: dict[str, Any], *_: Any) -> None:
    rule = environ["werkzeug.request"].url_rule
    if rule:
        span.set_attribute("http.route", rule.rule)


def trace_id() -> str | None:
    """The trace of this request, for its lines in the log."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def shut_down(provider: TracerProvider) -> None:
    """A collector that doesn't answer must not keep a worker from ending."""
    sending = Thread(target=provider.shutdown, daemon=True)
    sending.start()
    sending.join(FLUSH_SECONDS)
