"""A request takes its token at its word, and nothing leaves before PostgreSQL has confirmed it."""

import httpx
import pytest
from flask_jwt_extended import create_access_token
from sqlalchemy import func, select, update
from sqlalchemy.engine import make_url

from app.auth import access_claims
from models import AuthSession, IdempotencyKey, Order, Product, Role, User
from services.pages import Page
from tests.clients import ApiClient
from tests.factories import ADDRESS, PASSWORD, OrderFactory, ProductFactory, UserFactory
from tests.servers import served
from tests.test_statements import statements


@pytest.fixture
def product(session):
    return ProductFactory(id="abc", stock=5)


@pytest.fixture
def change(session, user):
    """Changes the user, or the user's sessions, behind the back of who is signed in."""

    def change(model, **values):
        key = model.id if model is User else model.user_id
        session.execute(update(model).where(key == user.id).values(**values))
        session.flush()

    return change


ENDS = [
    pytest.param(AuthSession, {"revoked_at": func.now()}, id="signed out"),
    pytest.param(AuthSession, {"expires_at": func.now()}, id="expired"),
    pytest.param(User, {"is_active": False}, id="deactivated"),
]
ORDER = {"items": [{"product_id": "abc", "quantity": 1}], "shipping_address": ADDRESS}
KEY = {"Idempotency-Key": "k"}
CALLS = [
    pytest.param("GET", "/api/orders", {}, id="list"),
    pytest.param("GET", "/api/orders/absent", {}, id="not found"),
    pytest.param("GET", "/api/orders?colour=red", {}, id="unknown parameter"),
    pytest.param("GET", "/api/orders?limit=0", {}, id="wrong parameter"),
    pytest.param("GET", "/api/users/me", {}, id="profile"),
    pytest.param("GET", "/api/users", {}, id="role lacks the scope"),
    pytest.param("POST", "/api/orders", {"json": ORDER}, id="order"),
    pytest.param("POST", "/api/orders", {"json": ORDER, "headers": KEY}, id="order with a key"),
    pytest.param("POST", "/api/orders", {"json": {}}, id="wrong body"),
    pytest.param("POST", "/api/orders", {"json": {}, "headers": KEY}, id="wrong body with a key"),
    pytest.param("POST", "/api/orders", {"data": "{"}, id="malformed body"),
    pytest.param("PATCH", "/api/users/me", {"json": {"name": "Other"}}, id="change"),
    pytest.param("PATCH", "/api/users/me", {"json": {}}, id="change of nothing"),
    pytest.param("POST", "/api/auth/logout", {}, id="sign out"),
]


class TestEnd:
    @pytest.mark.parametrize(("model", "values"), ENDS)
    @pytest.mark.parametrize(("method", "url", "sent"), CALLS)
    def test_of_a_session_is_a_401_whatever_is_asked(
        self, as_user, session, product, change, model, values, method, url, sent
    ):
        change(model, **values)

        answer = as_user.open(url, method=method, **sent)

        assert answer.status_code == 401
        assert answer.json["type"] == "/api/problems/unauthenticated"
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert session.scalar(select(func.count()).select_from(Order)) == 0
        assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
        session.refresh(product)
        assert product.stock == 5

    def test_of_a_session_hides_the_answer_that_a_key_stands_for(self, as_user, product, change):
        placed = as_user.post("/api/orders", json=ORDER, headers=KEY)
        change(AuthSession, revoked_at=func.now())

        assert placed.status_code == 201
        assert as_user.post("/api/orders", json=ORDER, headers=KEY).status_code == 401

    def test_of_a_session_is_a_401_though_the_answer_needs_no_postgresql(
        self, as_user, change, monkeypatch
    ):
        monkeypatch.setattr("services.orders.list_visible", lambda *_: Page([], None))
        assert as_user.get("/api/orders").status_code == 200
        change(AuthSession, revoked_at=func.now())

        assert as_user.get("/api/orders").status_code == 401

    def test_of_a_session_is_a_401_though_python_leaves_assertions_out(
        self, new_database, migrated_url
    ):
        url = new_database(make_url(migrated_url).database)
        account = {"email": "a@example.com", "password": PASSWORD}
        with served(url, PYTHONOPTIMIZE="1") as server:
            httpx.post(f"{server.url}/api/auth/register", json=account)
            with server.signed_in(**account) as client:
                assert client.post("/api/orders", json={}).status_code == 422
                assert client.post("/api/auth/logout").status_code == 204
                assert client.post("/api/orders", json={}).status_code == 401


class TestRole:
    def test_that_was_taken_is_gone_at_once(self, app, user, change, session):
        change(User, role=Role.ADMIN)
        client, order = ApiClient(app).signed_in(user), OrderFactory(user_id=UserFactory().id)
        assert client.get(f"/api/orders/{order.id}").status_code == 200
        change(User, role=Role.USER)

        assert client.get(f"/api/orders/{order.id}").status_code == 404
        assert client.get("/api/orders").json["items"] == []
        assert client.get("/api/users").status_code == 403
        assert client.post("/api/products", json={}).status_code == 403
        assert client.patch(f"/api/orders/{order.id}", json={"status": "paid"}).status_code == 403
        assert client.get("/api/users/me").json["role"] == "user"

    def test_that_was_given_is_there_at_once(self, as_user, change, session):
        order = OrderFactory(user_id=UserFactory().id)
        assert as_user.get("/api/users").status_code == 403
        change(User, role=Role.ADMIN)

        assert as_user.get("/api/users").status_code == 200
        assert as_user.get(f"/api/orders/{order.id}").status_code == 200
        assert len(as_user.get("/api/orders").json["items"]) == 1

    def test_is_told_anew_by_a_refresh(self, app, as_user, change):
        change(User, role=Role.ADMIN)
        tokens = as_user.post("/api/auth/refresh", json={"refresh_token": refresh_token(as_user)})

        with app.test_request_context(headers=bearer(tokens.json["access_token"])):
            assert access_claims()["role"] == "admin"

    @pytest.mark.parametrize("role", [None, "king", 7, ["user"], {}])
    def test_that_a_token_does_not_tell_is_asked_for(self, app, client, user, as_user, role):
        with app.test_request_context(headers=bearer(as_user.tokens["access_token"])):
            claims = {"sid": access_claims()["sid"], **({"role": role} if role else {})}
            token = create_access_token(user.id, additional_claims=claims)

        assert client.get("/api/users/me", headers=bearer(token)).json["role"] == "user"
        assert client.get("/api/orders", headers=bearer(token)).status_code == 200
        assert client.get("/api/users", headers=bearer(token)).status_code == 403


class TestKey:
    @pytest.mark.parametrize("body", [{**ORDER, "shipping_address": None}, {}])
    def test_that_stands_for_another_request_comes_before_what_is_wrong_with_this(
        self, as_user, product, body
    ):
        assert as_user.post("/api/orders", json=ORDER, headers=KEY).status_code == 201

        answer = as_user.post("/api/orders", json=body, headers=KEY)

        assert answer.json["type"] == "/api/problems/idempotency-key-reused"

    def test_is_replayed_though_the_stock_is_gone(self, as_user, session):
        ProductFactory(id="abc", stock=1)
        answers = [as_user.post("/api/orders", json=ORDER, headers=KEY) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].data == answers[1].data
        assert session.get(Product, "abc").stock == 0


class TestTrips:
    """What is as the token and the key say is asked once; what isn't, costs one attempt more."""

    def test_who_is_denied_costs_one_more(self, connection, as_user, change):
        with statements(connection) as seen:
            as_user.get("/api/orders")
        assert seen.trips == 1
        change(AuthSession, revoked_at=func.now())
        with statements(connection) as seen:
            as_user.get("/api/orders")
        assert seen.trips == 2


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def refresh_token(client):
    return client.tokens["refresh_token"]
