"""Reads that may lag, on a real streaming replica."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from secrets import token_hex

import pytest
from sqlalchemy import text

from app import create_app
from app.db.replica import Replica
from tests.support import notes
from tests.support.clients import ApiClient
from tests.support.factories import PASSWORD
from tests.support.notes import ABSENT
from tests.support.replicas import replicated
from tests.support.waiting import wait_for
from tools import embedded

# The note that anyone reads, and its UUID.
NOTE_ID = "note_0000000000000000000000000a"
NOTE_UUID = "00000000-0000-0000-0000-00000000000a"
INSERT = """
    INSERT INTO notes (id, user_id, title, priority, items)
    VALUES (:id, :id, 'Public', 100, '[]')"""
CHANGE = "UPDATE notes SET priority = priority + 1 WHERE title = 'Public' RETURNING priority"
NOTE = {"title": "Mine"}
SEEN = "SELECT pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)"
PAUSED = "SELECT pg_get_wal_replay_pause_state() = 'paused'"


@pytest.fixture(scope="module")
def servers():
    """A primary with the schema, and its replica."""
    with replicated() as both:
        notes.create_table(both[0].url)
        yield both


@pytest.fixture(scope="module")
def primary(servers):
    servers[0].run(INSERT, id=NOTE_UUID)
    return servers[0]


@pytest.fixture(scope="module")
def replica(servers):
    return servers[1]


@pytest.fixture(scope="module")
def service(primary, replica, settings):
    urls = [each.url.render_as_string(hide_password=False) for each in (primary, replica)]
    changed = replace(
        settings, database_url=urls[0], database_replica_url=urls[1], database_pooler=False
    )
    return notes.register(create_app(changed))


@pytest.fixture
def app(service, monkeypatch):
    """The service, whose replica has never been away."""
    monkeypatch.setitem(
        service.extensions, "replica", Replica(service.extensions["replica"].engine)
    )
    return service


@pytest.fixture
def client(app):
    return ApiClient(app)


@pytest.fixture
def author(app, primary):
    """Return a signed-in client; the replica has replayed all changes."""
    return signed_in(app, primary, "user")


def signed_in(app, primary, role):
    client = ApiClient(app)
    email = f"{token_hex(8)}@example.com"
    account = {"email": email, "password": PASSWORD}
    assert client.post("/api/auth/register", json=account).status_code == 201
    primary.run("UPDATE users SET role = :role WHERE email = :email", role=role, email=email)
    client.tokens = client.post("/api/auth/login", json=account).json
    return client


@pytest.fixture
def catch_up(primary, replica):
    def wait():
        position = primary.run("SELECT CAST(pg_current_wal_lsn() AS text)")
        wait_for(lambda: replica.run(SEEN, position=position))

    return wait


@pytest.fixture
def behind(replica, catch_up):
    """In the block the replica has what there was before, and nothing else."""

    @contextmanager
    def block():
        catch_up()
        replica.run("SELECT pg_wal_replay_pause()")
        wait_for(lambda: replica.run(PAUSED))
        try:
            yield
        finally:
            replica.run("SELECT pg_wal_replay_resume()")

    return block


def priority(client):
    response = client.get(f"/api/notes/{NOTE_ID}")
    assert response.status_code == 200, response.text
    return response.json["priority"]


def titles(client):
    return [note["title"] for note in client.get("/api/notes/mine").json["items"]]


def test_only_reads_of_other_things_than_accounts_and_sessions_may_lag(app):
    lagging = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if (view := getattr(app.view_functions[rule.endpoint], "view_class", None))
        for method, operation in view.operations.items()
        if operation.may_lag
    }

    assert ("GET", "/api/notes/<note_id>") in lagging
    assert {method for method, _ in lagging} == {"GET"}
    assert not [rule for _, rule in lagging if rule.startswith(("/api/auth/", "/api/users/me"))]


class TestReads:
    def test_of_anybody_are_answered_by_the_replica(self, client, primary, behind):
        with behind():
            new = primary.run(CHANGE)

            assert priority(client) == new - 1

    def test_of_public_things_with_a_token_are_answered_by_the_primary(
        self, author, primary, behind
    ):
        with behind():
            new = primary.run(CHANGE)

            assert priority(author) == new

    def test_of_a_client_who_wrote_nothing_new_are_answered_by_the_replica(
        self, author, primary, behind
    ):
        author.post("/api/notes", json=NOTE)
        with behind():
            primary.run("UPDATE notes SET title = 'Changed' WHERE title = 'Mine'")

            assert titles(author) == ["Mine"]

    def test_not_found_on_the_replica_is_asked_of_the_primary(self, client, primary, behind):
        with behind():
            new = f"{NOTE_ID[:-1]}b"
            primary.run(INSERT.replace("Public", "New"), id=NOTE_UUID.replace("a", "b"))
            assert client.get(f"/api/notes/{new}").status_code == 200
            assert client.get("/api/notes/none").status_code == 404


class TestOwnWrites:
    def test_are_read_though_the_replica_lags(self, author, behind):
        with behind():
            ids = [author.post("/api/notes", json=NOTE).json["id"] for _ in range(3)]

            listed = author.get("/api/notes/mine").json["items"]
            assert [note["id"] for note in listed] == ids[::-1]
            for note_id in ids:
                author.patch(f"/api/notes/{note_id}", json={"title": "New"})
                assert "New" in titles(author)
            assert titles(author) == ["New"] * 3

    def test_of_an_administrator_are_read_though_the_replica_lags(self, app, primary, behind):
        admin = signed_in(app, primary, "admin")
        user = signed_in(app, primary, "user").get("/api/users/me").json["id"]
        with behind():
            admin.patch(f"/api/users/{user}", json={"is_active": False})

            assert admin.get(f"/api/users/{user}").json["is_active"] is False

    def test_of_another_session_are_read_after_a_new_sign_in(self, app, author, behind):
        me = author.get("/api/users/me").json["email"]
        with behind():
            author.post("/api/notes", json=NOTE)
            again = ApiClient(app)
            account = {"email": me, "password": PASSWORD}
            again.tokens = again.post("/api/auth/login", json=account).json

            assert titles(again) == ["Mine"]

    def test_at_once_are_all_counted(self, author, primary):
        with ThreadPoolExecutor(8) as threads:
            responses = list(threads.map(lambda _: author.post("/api/notes", json=NOTE), range(8)))

        assert {response.status_code for response in responses} == {201}
        assert primary.run("SELECT writes FROM sessions ORDER BY created_at DESC LIMIT 1") == 8

    def test_refused_ones_are_not_counted(self, author, primary):
        assert author.patch(f"/api/notes/{NOTE_ID}", json={}).status_code == 404
        assert primary.run("SELECT writes FROM sessions ORDER BY created_at DESC LIMIT 1") == 0


def test_signing_out_acts_at_once_though_the_replica_lags(author, behind):
    with behind():
        author.post("/api/auth/logout", json={"sessions": "all"})

        assert author.get("/api/notes/mine").status_code == 401


def test_demotion_acts_at_once_though_the_replica_is_read(app, primary, catch_up):
    admin = signed_in(app, primary, "admin")
    email = admin.get("/api/users/me").json["email"]
    catch_up()
    assert admin.get("/api/users").status_code == 200
    primary.run("UPDATE users SET role = 'user' WHERE email = :email", email=email)

    assert admin.get("/api/users").status_code == 403


class TestAway:
    def test_killed_replica_is_logged_once_and_delays_no_request(
        self, client, author, primary, replica, catch_up, logged
    ):
        catch_up()
        assert priority(client)
        with embedded.stopped(replica.data, "immediate"):
            for _ in range(3):
                new = primary.run(CHANGE)
                assert priority(client) == new
                assert author.get("/api/notes/mine").status_code == 200

        assert ["replica" in record["message"] for record in logged] == [True]

    def test_replica_that_is_back_is_asked_again(
        self, client, primary, replica, behind, monkeypatch
    ):
        monkeypatch.setattr("app.db.replica.PAUSE_SECONDS", 0)
        with embedded.stopped(replica.data, "immediate"):
            assert priority(client)
        replica.engine.dispose()

        with behind():
            new = primary.run(CHANGE)

            assert priority(client) == new - 1


class TestErrors:
    """Only a connection that fails takes the replica out of service."""

    @pytest.mark.parametrize("code", ["57014", "40001", "42P01"])
    def test_error_of_one_statement_does_not(self, app, client, during_get, code, logged):
        get_note = notes.get_note
        raised = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"

        def fail_on_the_replica(session):
            if session.scalar(text("SELECT pg_is_in_recovery()")):
                session.execute(text(raised))
            return get_note(session, NOTE_ID)

        during_get(fail_on_the_replica)

        assert priority(client)
        assert app.extensions["replica"].in_service()
        assert logged == []

    def test_any_response_of_the_replica_puts_it_back_in_service(self, app, client, monkeypatch):
        replica = app.extensions["replica"]
        replica.mark_unavailable(RuntimeError("refused"))
        monkeypatch.setattr(replica, "_next_try", 0)

        assert client.get(f"/api/notes/{ABSENT}").status_code == 404

        assert replica.in_service()
        assert replica.in_service()

    def test_replica_that_lags_is_in_service(self, app, author, behind, monkeypatch):
        replica = app.extensions["replica"]
        with behind():
            author.post("/api/notes", json=NOTE)
            replica.mark_unavailable(RuntimeError("refused"))
            monkeypatch.setattr(replica, "_next_try", 0)
            assert author.get("/api/notes/mine").status_code == 200

        assert replica.in_service()
        assert replica.in_service()

    def test_request_that_never_asked_it_leaves_the_next_try_to_another(
        self, app, client, monkeypatch
    ):
        replica = app.extensions["replica"]
        replica.mark_unavailable(RuntimeError("refused"))
        monkeypatch.setattr(replica, "_next_try", 0)

        assert client.get("/api/notes?limit=0").status_code == 422

        assert replica.in_service()  # once, to try
        assert not replica.in_service()
