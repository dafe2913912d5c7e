"""Deprecated operations: headers and OpenAPI document."""

import pytest

MINE = "/api/notes/mine"
DEPRECATION, SUNSET = "@1767225600", "Fri, 01 Jan 2027 00:00:00 GMT"  # of MyNotes.get


def headers_of(response):
    return response.headers.get("Deprecation"), response.headers.get("Sunset")


class TestHeaders:
    def test_response_has_the_dates(self, as_user):
        assert headers_of(as_user.get(MINE)) == (DEPRECATION, SUNSET)

    def test_head_has_the_dates(self, as_user):
        assert headers_of(as_user.head(MINE)) == (DEPRECATION, SUNSET)

    def test_other_operations_have_none(self, client):
        assert headers_of(client.get("/api/notes")) == (None, None)
        assert headers_of(client.options(MINE)) == headers_of(client.put(MINE)) == (None, None)


@pytest.fixture
def operations(client):
    """Return the operations of the document by path; it includes those of the notes."""
    return client.get("/api/openapi.json").json["paths"]


class TestDocument:
    def test_operation_is_marked_as_deprecated(self, operations):
        assert operations[MINE]["get"]["deprecated"] is True
        assert "deprecated" not in operations["/api/notes"]["get"]

    def test_successful_response_documents_the_headers(self, operations):
        headers = operations[MINE]["get"]["responses"]["200"]["headers"]
        assert headers["Deprecation"]["example"] == DEPRECATION
        assert headers["Sunset"]["example"] == SUNSET
