"""Number of SQL statements of each operation."""

import pytest

from tests.support.factories import PASSWORD
from tests.support.notes import NoteFactory
from tests.support.statements import statements

# Statements without BEGIN and COMMIT. The first one loads the user, where a token is needed.
# A sign-in looks for earlier sessions from the address, because these have a limit of their own.
BUDGET = {"login": 3, "getProfile": 1, "listMyNotes": 2, "createNote": 4, "getNote": 1}


@pytest.fixture
def calls(user):
    """Return the method, the URL and the body of each operation."""
    credentials = {"email": user.email, "password": PASSWORD}
    return {
        "login": ("POST", "/api/auth/login", credentials),
        "getProfile": ("GET", "/api/users/me", None),
        "listMyNotes": ("GET", "/api/notes/mine", None),
        "createNote": ("POST", "/api/notes", {"title": "New"}),
        "getNote": ("GET", f"/api/notes/{NoteFactory(user_id=user.id).id}", None),
    }


@pytest.mark.parametrize("name", BUDGET)
def test_operation_has_the_expected_round_trips(engine, as_user, calls, name):
    method, url, body = calls[name]
    key = {"Idempotency-Key": "k"} if name == "createNote" else {}

    with statements(engine) as seen:
        response = as_user.open(url, method=method, json=body, headers=key)

    assert response.status_code < 300, response.text
    assert len(seen) <= BUDGET[name], seen


@pytest.mark.parametrize("count", [1, 20])
def test_round_trips_of_a_list_do_not_depend_on_its_length(engine, as_user, user, count):
    NoteFactory.create_batch(count, user_id=user.id)

    with statements(engine) as seen:
        assert len(as_user.get("/api/notes/mine").json["items"]) == count

    assert len(seen) <= BUDGET["listMyNotes"], seen


@pytest.mark.parametrize("url", ["/api/users/me", "/api/notes/mine"])
def test_user_is_loaded_by_index(connection, engine, as_user, url):
    with statements(engine) as seen:
        as_user.get(url)
    statement, parameters = seen[0]
    # PostgreSQL reads a table of a few rows completely, whatever indexes it has.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")

    plan = str(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all())

    assert plan.count("Index Scan") == 2
    assert "Seq Scan" not in plan
