"""Reads while the replica is unavailable, or returns errors."""

import pytest
from sqlalchemy import text

from tests.support import notes
from tests.support.notes import ABSENT
from tests.support.replicated_notes import CHANGE, NOTE, NOTE_ID, priority
from tools import embedded


class TestUnavailable:
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

    def test_restarted_replica_is_used_again(self, client, primary, replica, behind, monkeypatch):
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
    def test_statement_error_keeps_the_replica_in_service(
        self, app, client, during_get, code, logged
    ):
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

    def test_404_puts_the_replica_back_in_service(self, app, client, monkeypatch):
        replica = app.extensions["replica"]
        replica.mark_unavailable(RuntimeError("refused"))
        monkeypatch.setattr(replica, "next_try", 0)

        assert client.get(f"/api/notes/{ABSENT}").status_code == 404

        assert replica.in_service()
        assert replica.in_service()

    def test_lagging_replica_is_in_service(self, app, author, behind, monkeypatch):
        replica = app.extensions["replica"]
        with behind():
            author.post("/api/notes", json=NOTE)
            replica.mark_unavailable(RuntimeError("refused"))
            monkeypatch.setattr(replica, "next_try", 0)
            assert author.get("/api/notes/mine").status_code == 200

        assert replica.in_service()
        assert replica.in_service()

    def test_request_without_a_read_does_not_use_up_the_next_try(self, app, client, monkeypatch):
        replica = app.extensions["replica"]
        replica.mark_unavailable(RuntimeError("refused"))
        monkeypatch.setattr(replica, "next_try", 0)

        assert client.get("/api/notes?limit=0").status_code == 422

        assert replica.in_service()  # once, to try
        assert not replica.in_service()
