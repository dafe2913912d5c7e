"""Base class of resources: declarations, transactions, retries and effects."""

import pytest
from flask import request
from sqlalchemy import select, text
from sqlalchemy.orm.exc import StaleDataError

from app.http.access import public
from app.http.blueprint import Blueprint
from app.http.resource import Resource
from app.openapi.problem_pages import kinds
from tests.support import notes
from tests.support.clients import ApiClient
from tests.support.notes import Note, NoteFactory

DEADLOCK, SERIALIZATION = "40P01", "40001"


def sqlstate(code):
    """Return an action that makes PostgreSQL raise this error."""
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"
    return lambda session: session.execute(text(statement))


def stale(_):
    raise StaleDataError


@pytest.fixture
def note(session):
    return NoteFactory(priority=5)


@pytest.fixture
def change(as_admin, note):
    """Return a function that changes the note, and returns the response."""
    return lambda: as_admin.patch(f"/api/notes/{note.id}", json={"title": "New"})


@pytest.fixture
def attempts(monkeypatch, note):
    """Let the first attempts lower the priority and then fail; collect all attempts."""
    made = []

    def fail(times, action):
        def attempt(session, *_):
            made.append(session)
            row = session.get(Note, note.id)
            row.priority -= 1
            session.flush()
            if len(made) <= times:
                action(session)
            return row

        monkeypatch.setattr(notes, "update_note", attempt)
        return made

    return fail


class TestDeclarations:
    def test_method_without_access_raises_an_error(self):
        with pytest.raises(TypeError, match=r"\['POST'\]"):

            class Undeclared(Resource):
                @public
                def get(self):
                    """Public method."""

                def post(self):
                    """Method without a declaration."""

    def test_idempotent_method_without_scope_or_body_raises_an_error(self):
        blp = Blueprint("refused", __name__)
        with pytest.raises(TypeError, match="POST"):

            class Keyed(Resource):
                @blp.idempotent
                @public
                def post(self):
                    """Method without an owner of the key."""

    def test_declarations_of_get_apply_to_head(self, app):
        assert app.test_client().head("/api/users/me").status_code == 401

    def test_access_is_checked_before_the_query(self, client):
        assert client.get("/api/users/me?colour=red").status_code == 401


class TestRetries:
    @pytest.mark.parametrize("action", [sqlstate(DEADLOCK), sqlstate(SERIALIZATION), stale])
    def test_three_failed_attempts_return_503(self, change, attempts, session, note, action):
        made = attempts(3, action)
        response = change()

        assert (response.status_code, len(made)) == (503, 3)
        assert int(response.headers["Retry-After"]) > 0
        session.refresh(note)
        assert note.priority == 5

    @pytest.mark.parametrize("code", ["23505", "57014", "55P03", "P0001"])
    def test_other_errors_of_the_database_are_not_retried(self, change, attempts, code):
        made = attempts(3, sqlstate(code))

        assert change().status_code == (503 if code in {"57014", "55P03"} else 500)
        assert len(made) == 1

    def test_other_exceptions_are_not_retried_and_change_nothing(
        self, change, attempts, session, note
    ):
        made = attempts(3, lambda _: 1 / 0)

        assert change().status_code == 500
        assert len(made) == 1
        session.refresh(note)
        assert note.priority == 5

    @pytest.mark.parametrize("action", [sqlstate(DEADLOCK), sqlstate(SERIALIZATION), stale])
    @pytest.mark.parametrize("times", [1, 2])
    def test_only_the_successful_attempt_is_committed(
        self, change, attempts, session, note, action, times
    ):
        made = attempts(times, action)
        response = change()

        assert (response.status_code, response.json["priority"]) == (200, 4)
        assert len(made) == len(set(map(id, made))) == times + 1
        session.refresh(note)
        assert note.priority == 4

    def test_success_is_not_repeated(self, change, attempts):
        made = attempts(0, stale)

        assert change().status_code == 200
        assert len(made) == 1


class TestEffects:
    """Effects outside the database run once, after the commit."""

    @pytest.fixture
    def effect(self, monkeypatch):
        """Return a function that makes each attempt of PATCH register an effect."""
        patch = notes.NoteDetail.patch

        def register(function):
            def patch_with_effect(resource, *args, **kwargs):
                resource.after_commit(lambda: function(resource.session))
                return patch(resource, *args, **kwargs)

            monkeypatch.setattr(notes.NoteDetail, "patch", patch_with_effect)

        return register

    @pytest.fixture
    def effects(self, effect):
        """Collect whether the session was in a transaction at each effect."""
        done = []
        effect(lambda session: done.append(session.in_transaction()))
        return done

    def test_effects_run_after_the_commit(self, change, effects):
        assert change().status_code == 200
        assert effects == [False]

    def test_effects_run_once_after_several_attempts(self, change, attempts, effects):
        attempts(2, stale)

        assert change().status_code == 200
        assert len(effects) == 1

    def test_effects_do_not_run_after_an_error(self, change, attempts, effects):
        attempts(3, stale)

        assert change().status_code == 503
        assert effects == []

    def test_failing_effects_are_logged_and_do_not_change_the_response(
        self, change, attempts, effect, logged
    ):
        made = attempts(0, stale)
        effect(stale)

        assert change().status_code == 200
        assert len(made) == 1
        assert [record["level"].name for record in logged] == ["ERROR"]


class TestAfterTheCommit:
    def test_retry_after_a_500_returns_the_created_note(self, make_app, user, session):
        faults = [ZeroDivisionError]

        def fail_once(response):
            if faults and request.method == "POST" and request.path == "/api/notes":
                raise faults.pop()
            return response

        app = make_app()
        app.after_request(fail_once)
        client = ApiClient(app).signed_in(user)
        sent = {"json": {"title": "New"}, "headers": {"Idempotency-Key": "k"}}

        lost, again = (client.post("/api/notes", **sent) for _ in range(2))

        assert lost.status_code == 500
        assert "Idempotency-Key" in kinds()["internal-server-error"].advice
        assert again.status_code == 201
        assert again.headers["Idempotency-Replayed"] == "true"
        assert session.scalars(select(Note.id)).all() == [again.json["id"]]


class TestClient:
    def test_client_of_a_session_is_truncated(self, app, as_user, user):
        as_user.environ_base |= {"REMOTE_ADDR": "2001:db8::1", "HTTP_USER_AGENT": "x" * 5000}
        as_user.tokens = {}
        as_user.signed_in(user)
        sessions = as_user.get("/api/auth/sessions").json["items"]

        assert ("2001:db8::1", "x" * 255) in [
            (session["ip_address"], session["user_agent"]) for session in sessions
        ]

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("Zoës Browser ☕".encode(), "Zoës Browser ☕"),
            ("Zoës Browser".encode("latin-1"), "Zoës Browser"),
            (b"x" * 254 + "☕☕".encode(), "x" * 254 + "☕"),
        ],
    )
    def test_user_agent_in_utf8_is_shown_correctly(self, app, user, sent, shown):
        client = ApiClient(app)
        client.environ_base["HTTP_USER_AGENT"] = sent.decode("latin-1")
        (session,) = client.signed_in(user).get("/api/auth/sessions").json["items"]

        assert session["user_agent"] == shown
