"""Requests that write commit: another connection sees the rows.

Other tests run in a transaction that is rolled back, where COMMIT is a savepoint.
"""

import pytest
from sqlalchemy import text

from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def client(app, own_engine, use_engine):
    """Return a client of an application that commits, with its own database."""
    use_engine(own_engine)
    return ApiClient(app)


@pytest.fixture
def author(client):
    """Return a signed-in client."""
    assert client.post("/api/auth/register", json=ACCOUNT).status_code == 201
    client.tokens = client.post("/api/auth/login", json=ACCOUNT).json
    return client


class TestAccounts:
    def test_registration_creates_the_user_once(self, client, seen):
        statuses = [client.post("/api/auth/register", json=ACCOUNT).status_code for _ in range(2)]

        assert statuses == [201, 409]
        assert seen("SELECT email FROM users") == [("ada@example.com",)]

    def test_profile_and_password_are_changed(self, author, seen):
        before = seen("SELECT password_hash FROM users")
        change = {"current_password": PASSWORD, "new_password": "another horse battery"}

        assert author.patch("/api/users/me", json={"name": "Ada"}).status_code == 200
        assert author.put("/api/users/me/password", json=change).status_code == 204
        assert seen("SELECT name FROM users") == [("Ada",)]
        assert seen("SELECT password_hash FROM users") != before


class TestSessions:
    def test_login_and_refresh_keep_one_session(self, author, seen):
        before = seen("SELECT id, token_hash FROM sessions")
        body = {"refresh_token": author.tokens["refresh_token"]}
        refreshed = author.post("/api/auth/refresh", json=body)
        after = seen("SELECT id, token_hash FROM sessions")

        assert refreshed.status_code == 200
        assert [row.id for row in before] == [row.id for row in after]
        assert before != after

    def test_reused_refresh_token_ends_the_session_despite_the_error(
        self, author, seen, own_engine
    ):
        body = {"refresh_token": author.tokens["refresh_token"]}
        author.post("/api/auth/refresh", json=body)
        with own_engine.begin() as connection:  # longer ago than two concurrent refreshes are
            connection.execute(text("UPDATE sessions SET refreshed_at = now() - interval '1h'"))

        assert author.post("/api/auth/refresh", json=body).status_code == 401
        assert seen("SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL") == [(1,)]

    def test_logout_ends_the_session(self, author, seen):
        assert author.post("/api/auth/logout").status_code == 204
        assert seen("SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == [(0,)]


class TestNotes:
    def test_creation_is_committed_with_its_idempotency_key(self, author, seen):
        sent = {"json": {"title": "New"}, "headers": {"Idempotency-Key": "k"}}
        first, again = (author.post("/api/notes", **sent) for _ in range(2))

        assert (first.status_code, again.json) == (201, first.json)
        assert seen("SELECT title FROM notes") == [("New",)]
        assert seen("SELECT key, status FROM idempotency_keys") == [("k", 201)]

    def test_error_leaves_neither_row_nor_key(self, author, seen):
        sent = {"json": {"title": ""}, "headers": {"Idempotency-Key": "k"}}

        assert author.post("/api/notes", **sent).status_code == 422
        assert seen("SELECT title FROM notes") == []
        assert seen("SELECT key FROM idempotency_keys") == []

    def test_change_and_deletion_are_committed(self, author, seen):
        url = author.post("/api/notes", json={"title": "New"}).headers["Location"]

        assert author.patch(url, json={"title": "Changed"}).status_code == 200
        assert seen("SELECT title, version FROM notes") == [("Changed", 2)]
        assert author.delete(url).status_code == 204
        assert seen("SELECT title FROM notes") == []
