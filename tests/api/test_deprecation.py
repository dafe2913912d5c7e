"""Deprecated operations: headers and OpenAPI document."""

from datetime import UTC, datetime

import pytest

from app.http.blueprint import Blueprint
from services.key_format import new_key

MINE = "/api/notes/mine"
DEPRECATION, SUNSET = "@1767225600", "Fri, 01 Jan 2027 00:00:00 GMT"  # of MyNotes.get
ZONED = datetime(2026, 1, 1, tzinfo=UTC)
NAIVE = ZONED.replace(tzinfo=None)


def headers_of(response):
    return response.headers.get("Deprecation"), response.headers.get("Sunset")


class TestHeaders:
    def test_response_has_the_dates(self, as_user):
        assert headers_of(as_user.get(MINE)) == (DEPRECATION, SUNSET)

    def test_error_has_the_dates(self, as_user, client):
        invalid, unauthenticated = as_user.get(f"{MINE}?limit=0"), client.get(MINE)

        assert (invalid.status_code, unauthenticated.status_code) == (422, 401)
        assert headers_of(invalid) == headers_of(unauthenticated) == (DEPRECATION, SUNSET)

    def test_error_before_the_view_has_the_dates(self, limited):
        client = limited(rate_limit_default="1 per hour")
        exposed = client.get(f"{MINE}?q={new_key()}")
        exceeded = client.get(MINE)

        assert (exposed.status_code, exceeded.status_code) == (400, 429)
        assert headers_of(exposed) == headers_of(exceeded) == (DEPRECATION, SUNSET)

    def test_head_has_the_dates(self, as_user):
        assert headers_of(as_user.head(MINE)) == (DEPRECATION, SUNSET)

    def test_other_operations_have_none(self, client):
        assert headers_of(client.get("/api/notes")) == (None, None)
        assert headers_of(client.options(MINE)) == headers_of(client.put(MINE)) == (None, None)


@pytest.mark.parametrize("dates", [[NAIVE], [ZONED, NAIVE]])
def test_date_without_a_zone_is_an_error_at_import(dates):
    with pytest.raises(ValueError, match="time zone"):
        Blueprint.deprecated(*dates)(lambda: None)


@pytest.fixture
def operations(client):
    """Return the operations of the document by path; it includes those of the notes."""
    return client.get("/api/openapi.json").json["paths"]


class TestDocument:
    def test_operation_is_marked_as_deprecated(self, operations):
        assert operations[MINE]["get"]["deprecated"] is True
        assert "deprecated" not in operations["/api/notes"]["get"]

    def test_every_response_documents_the_headers(self, operations):
        for response in operations[MINE]["get"]["responses"].values():
            assert response["headers"]["Deprecation"]["example"] == DEPRECATION
            assert response["headers"]["Sunset"]["example"] == SUNSET
