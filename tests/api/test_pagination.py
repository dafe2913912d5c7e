"""Pagination with signed cursors."""

import dataclasses
import re

import pytest

from tests.conftest import SECRET_KEY
from tests.support.notes import NoteFactory

NOTES = "/api/notes"


@pytest.fixture
def ids(session):
    """Return the ids of seven notes, newest first; all have the time of one transaction."""
    return sorted((NoteFactory().id for _ in range(7)), reverse=True)


@pytest.fixture
def cursor(client, ids):
    return client.get(f"{NOTES}?limit=3").json["next_cursor"]


def walk(client, url):
    """Return all pages, following the `Link` headers."""
    while url:
        response = client.get(url)
        assert response.status_code == 200
        yield response
        link = re.fullmatch(r'<(.+)>; rel="next"', response.headers.get("Link", ""))
        assert bool(link) == bool(response.json["next_cursor"])
        url = link and link[1]


class TestLimit:
    @pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "x", "1000000000"])
    def test_limit_out_of_range_returns_422(self, client, limit):
        response = client.get(NOTES, query_string={"limit": limit})

        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == ["/limit"]

    def test_default_limit_is_20(self, client, session):
        NoteFactory.create_batch(21)

        assert len(client.get(NOTES).json["items"]) == 20

    def test_limit_of_100_is_accepted(self, client, session):
        NoteFactory.create_batch(101)

        assert len(client.get(f"{NOTES}?limit=100").json["items"]) == 100


class TestCursor:
    def refused(self, client, cursor, url=NOTES):
        response = client.get(url, query_string={"cursor": cursor})
        assert response.status_code == 422
        assert [error["pointer"] for error in response.json["errors"]] == ["/cursor"]

    @pytest.mark.parametrize("cursor", ["", "x", ".", "a.b", "é", "W10.x", "x" * 501, "\0"])
    def test_invalid_cursor_returns_422(self, client, cursor):
        self.refused(client, cursor)

    def test_modified_cursor_returns_422(self, client, cursor):
        payload, signature = cursor.rsplit(".", 1)

        self.refused(client, f"{payload}A.{signature}")
        self.refused(client, f"{payload}.{signature[::-1]}")

    def test_cursor_of_another_list_returns_422(self, as_user, cursor):
        self.refused(as_user, cursor, "/api/notes/mine")

    @pytest.mark.parametrize("query", ["?title=B", "", "?title=A&title=B"])
    def test_cursor_of_other_filters_returns_422(self, as_user, user, query):
        NoteFactory.create_batch(2, user_id=user.id, title="A")
        cursor = as_user.get(f"{NOTES}/mine?title=A&limit=1").json["next_cursor"]

        url = f"{NOTES}/mine{query}{'&' if query else '?'}cursor={cursor}"

        assert as_user.get(url).status_code == 422
        assert as_user.get(f"{NOTES}/mine?cursor={cursor}&title=A&limit=5").status_code == 200

    def test_cursor_of_a_removed_key_returns_422(self, app, client, cursor, settings, monkeypatch):
        rotated = dataclasses.replace(settings, secret_key="new", secret_key_fallbacks=("old",))
        monkeypatch.setitem(app.extensions, "settings", rotated)

        self.refused(client, cursor)

    def test_cursor_of_a_fallback_key_is_valid(self, app, client, cursor, settings, monkeypatch):
        rotated = dataclasses.replace(
            settings, secret_key="new", secret_key_fallbacks=("older", SECRET_KEY)
        )
        monkeypatch.setitem(app.extensions, "settings", rotated)

        assert client.get(NOTES, query_string={"cursor": cursor}).status_code == 200


class TestPages:
    @pytest.mark.parametrize(("limit", "sizes"), [(3, [3, 3, 1]), (7, [7]), (6, [6, 1])])
    def test_pages_have_each_row_once_newest_first(self, client, ids, limit, sizes):
        pages = [response.json["items"] for response in walk(client, f"{NOTES}?limit={limit}")]

        assert [len(page) for page in pages] == sizes
        assert [item["id"] for page in pages for item in page] == ids

    def test_empty_list_is_one_page(self, client):
        response = client.get(NOTES)

        assert response.json == {"items": [], "next_cursor": None}
        assert "Link" not in response.headers

    def test_new_row_does_not_shift_the_next_page(self, client, ids, cursor):
        NoteFactory()
        rest = client.get(NOTES, query_string={"cursor": cursor})

        assert [item["id"] for item in rest.json["items"]] == ids[3:]

    def test_deleted_row_does_not_shift_the_next_page(self, client, as_admin, ids, cursor):
        as_admin.delete(f"{NOTES}/{ids[2]}")
        rest = client.get(NOTES, query_string={"cursor": cursor})

        assert [item["id"] for item in rest.json["items"]] == ids[3:]

    def test_next_link_keeps_the_filters(self, as_user, user):
        wanted = {NoteFactory(user_id=user.id, title="A & B+C").id for _ in range(3)}
        NoteFactory(user_id=user.id)

        pages = list(walk(as_user, f"{NOTES}/mine?title=A+%26+B%2BC&limit=2"))

        assert [len(page.json["items"]) for page in pages] == [2, 1]
        assert {item["id"] for page in pages for item in page.json["items"]} == wanted

    def test_head_response_has_the_link(self, app, ids):
        assert "Link" in app.test_client().head(f"{NOTES}?limit=1").headers
