"""Samples: quoting, and operations without examples."""

import ast
import json
import subprocess

import pytest

from app.openapi.samples import with_samples

HARD = 'it\'s "5 °", $HOME `id` \\ {x}\nend'


def sources(operation, path="/notes", parameters=()):
    described = {"security": [], "responses": {"200": {}}, **operation}
    item = {"parameters": list(parameters), "post": described}
    document = with_samples({"paths": {path: item}}, "http://localhost")
    return [sample["source"] for sample in document["paths"][path]["post"]["x-codeSamples"]]


def body(schema):
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


class TestQuoting:
    @pytest.fixture
    def samples(self):
        text = {"type": "string", "example": HARD}
        return sources(body({"type": "object", "properties": {"text": text}}))

    def test_curl_sends_the_example(self, samples):
        script = f'curl() {{ printf %s "${{@: -1}}"; }}\n{samples[0]}'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == {"text": HARD}

    def test_python_sends_the_example(self, samples):
        calls = [node for node in ast.walk(ast.parse(samples[1])) if isinstance(node, ast.keyword)]
        (sent,) = [ast.literal_eval(call.value) for call in calls if call.arg == "json"]
        assert sent == {"text": HARD}

    def test_typescript_sends_the_example(self, samples):
        text = samples[2].partition("JSON.stringify(")[2].partition("),\n});")[0]
        assert json.loads(text) == {"text": HARD}


class TestWithoutExamples:
    def test_values_fit_the_type(self):
        fields = {
            "name": {"type": "string"},
            "size": {"type": "integer"},
            "open": {"type": "boolean"},
            "unknown": {},
        }
        curl, *_ = sources(body({"type": "object", "properties": fields}))
        sent = json.loads(curl.partition("-d '")[2].rstrip("'\n"))
        assert sent == {"name": "string", "size": 1, "open": True, "unknown": None}

    def test_path_and_query_have_placeholders(self):
        parameters = [
            {"in": "path", "name": "id", "schema": {"type": "string"}},
            {"in": "query", "name": "limit", "schema": {"type": "integer", "default": 20}},
            {"in": "query", "name": "cursor", "schema": {"type": "string"}},
        ]
        for source in sources({}, "/notes/{id}", parameters):
            assert "http://localhost/notes/string?limit=20" in source
            assert "cursor" not in source


def test_if_match_is_sent_where_it_is_required():
    header = {"in": "header", "name": "If-Match", "schema": {"examples": ["*", '"1"']}}
    for responses, expected in (({"200": {}}, False), ({"200": {}, "428": {}}, True)):
        for source in sources({"responses": responses, "parameters": [header]}):
            assert ("If-Match" in source) == expected
