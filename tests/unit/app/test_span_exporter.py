"""Attributes of exported spans; see also tests/system/test_tracing.py."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.observability import logging, tracing
from app.observability.span_exporter import FilteringSpanExporter
from app.version import __version__


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exported):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(FilteringSpanExporter(exported)))
    yield provider.get_tracer("tests")
    tracing.shut_down(provider)


class TestFiltered:
    def test_error_has_only_its_type(self, tracer, exported):
        with (
            pytest.raises(KeyError),
            tracer.start_as_current_span("SELECT", attributes={"db.statement": "SELECT 1"}),
        ):
            raise KeyError("ada@example.com")
        (span,) = exported.get_finished_spans()

        assert span.name == "SELECT"
        assert dict(span.attributes) == {"db.statement": "SELECT 1", "error.type": "KeyError"}
        assert (span.events, span.status.description) == ((), None)
        assert span.status.status_code is trace.StatusCode.ERROR

    @pytest.mark.parametrize(
        ("attributes", "name"),
        [
            ({"http.method": "GET", "http.route": "/api/notes"}, "GET /api/notes"),
            ({"http.request.method": "GET", "http.route": "/api/notes"}, "GET /api/notes"),
            ({"http.method": "GET"}, "GET"),
            ({}, "HTTP"),
        ],
    )
    def test_span_has_the_name_of_its_route(self, tracer, exported, attributes, name):
        told = {**attributes, "http.target": "/api/ada@example.com"}
        tracer.start_span("GET /ada", kind=trace.SpanKind.SERVER, attributes=told).end()
        (span,) = exported.get_finished_spans()

        assert (span.name, dict(span.attributes)) == (name, attributes)

    def test_times_context_and_resource_are_kept(self, tracer, exported):
        with tracer.start_as_current_span("above") as above:
            tracer.start_span("below").end()
        below, _ = exported.get_finished_spans()

        assert below.parent == above.get_span_context()
        assert below.end_time >= below.start_time > 0
        assert below.instrumentation_scope.name == "tests"


class TestResource:
    def test_environment_overrides_the_resource(self, monkeypatch):
        ours = tracing.resource().attributes
        monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=eu")
        theirs = tracing.resource().attributes

        assert (ours["service.name"], ours["service.version"]) == ("flask-api", __version__)
        assert (theirs["service.name"], theirs["service.namespace"]) == ("shop", "eu")


class TestLog:
    def test_log_line_has_the_trace_id(self, tracer, monkeypatch):
        monkeypatch.setattr(logging, "trace_id", tracing.trace_id)
        lines = [{"message": "", "extra": {}}, {"message": "", "extra": {}}]

        logging.add_context(lines[0])
        with tracer.start_as_current_span("a") as span:
            logging.add_context(lines[1])

        trace = f"{span.get_span_context().trace_id:032x}"
        assert [line["extra"] for line in lines] == [{}, {"trace_id": trace}]
