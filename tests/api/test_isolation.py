"""What is another user's answers like what never was: byte for byte, for every operation."""

import json

import pytest

from models.orders import ORDER_ID
from models.sessions import SESSION_ID
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.openapi import operations_of
from tests.support.shop import OrderFactory

ABSENT = {"order_id": ORDER_ID.new(), "session_id": SESSION_ID.new()}
BODIES = {"updateOrder": {"status": "paid"}}


@pytest.fixture
def owner(session):
    return UserFactory()


@pytest.fixture
def foreign(app, owner):
    """The ids of an order and of a session of somebody else's."""
    (signed_in,) = ApiClient(app).signed_in(owner).get("/api/auth/sessions").json["items"]
    return {"order_id": OrderFactory(user_id=owner.id).id, "session_id": signed_in["id"]}


def visible(answer):
    """An answer without what is the request's own."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if not name.startswith("X-RateLimit") and name not in ("X-Request-ID", "Content-Length")
    }
    body = json.loads(answer.data)
    body.pop("request_id")
    return answer.status_code, headers, body


def test_foreign_ids_answer_like_absent_ones(app, as_user, foreign):
    checked = 0
    for operation in operations_of(app.extensions["openapi"].to_dict()):
        if not any(f"{{{name}}}" in operation.path for name in ABSENT):
            continue
        answers = [
            visible(
                as_user.open(
                    operation.path.format(**ids),
                    method=operation.method.upper(),
                    json=BODIES.get(operation.name),
                )
            )
            for ids in (foreign, ABSENT)
        ]
        assert answers[0] == answers[1], operation.name
        checked += 1
    assert checked >= 4


def test_nothing_of_a_users_is_in_anothers_lists(app, as_user, foreign, owner):
    for operation in operations_of(app.extensions["openapi"].to_dict()):
        if operation.method == "get" and "{" not in operation.path:
            shown = as_user.get(operation.path).text
            assert not any(each in shown for each in (*foreign.values(), owner.id, owner.email))
