"""How often each endpoint asks PostgreSQL, and what."""

from contextlib import contextmanager

import pytest

from tests.factories import ADDRESS, PASSWORD, OrderFactory, ProductFactory, UserFactory

# The first is nearly always the question who asks; a BEGIN and a COMMIT come with those that write.
STATEMENTS = {
    "register": 1,
    "login": 3,
    "refresh": 1,
    "logout": 2,
    "listSessions": 2,
    "endSession": 2,
    "getProfile": 1,
    "updateProfile": 3,
    "changePassword": 4,
    "listUsers": 2,
    "getUser": 2,
    "updateUser": 4,
    "listProducts": 1,
    "createProduct": 2,
    "getProduct": 1,
    "updateProduct": 3,
    "deleteProduct": 4,
    "listOrders": 2,
    "createOrder": 4,
    "getOrder": 2,
    "updateOrder": 5,
    "cancelOrder": 7,
    "getHealth": 0,
    "getLiveness": 0,
    "getReadiness": 2,
}


@contextmanager
def statements(connection):
    """What the driver is asked in the block, but for the savepoints of the tests."""
    seen = []
    driver = connection.connection.dbapi_connection
    factory = driver.cursor_factory

    class Noting(factory):
        def execute(self, statement, parameters=None):
            if not statement.startswith("PREPARE") and "SAVEPOINT" not in statement:
                seen.append((statement, parameters))
            super().execute(statement, parameters)

    driver.cursor_factory = Noting
    yield seen
    driver.cursor_factory = factory


@pytest.fixture
def callers(client, as_user, as_admin):
    return {"anyone": client, "user": as_user, "admin": as_admin}


@pytest.fixture
def calls(user, as_user):
    """Every operation: who calls it, how, with which body."""
    order, product = OrderFactory(user_id=user.id), ProductFactory()
    orders, products = f"/api/orders/{order.id}", f"/api/products/{product.id}"
    new_order = {
        "items": [{"product_id": product.id, "quantity": 1}],
        "shipping_address": ADDRESS,
    }
    new_product = {"name": "New", "price": 1, "currency": "USD", "stock": 1}
    other, session = UserFactory(), as_user.get("/api/auth/sessions").json["items"][0]
    tokens, signed_in = as_user.tokens, {"email": user.email, "password": PASSWORD}
    new_user = {"email": "new@example.com", "password": "a password that is new"}
    passwords = {"current_password": PASSWORD, "new_password": "another one that is new"}
    return {
        "register": ("anyone", "POST", "/api/auth/register", new_user),
        "login": ("anyone", "POST", "/api/auth/login", signed_in),
        "refresh": ("anyone", "POST", "/api/auth/refresh", pick(tokens, "refresh_token")),
        "logout": ("user", "POST", "/api/auth/logout", None),
        "listSessions": ("user", "GET", "/api/auth/sessions", None),
        "endSession": ("user", "DELETE", f"/api/auth/sessions/{session['id']}", None),
        "getProfile": ("user", "GET", "/api/users/me", None),
        "updateProfile": ("user", "PATCH", "/api/users/me", {"name": "Other"}),
        "changePassword": ("user", "PUT", "/api/users/me/password", passwords),
        "listUsers": ("admin", "GET", "/api/users", None),
        "getUser": ("admin", "GET", f"/api/users/{other.id}", None),
        "updateUser": ("admin", "PATCH", f"/api/users/{other.id}", {"role": "admin"}),
        "listProducts": ("anyone", "GET", "/api/products", None),
        "createProduct": ("admin", "POST", "/api/products", new_product),
        "getProduct": ("anyone", "GET", products, None),
        "updateProduct": ("admin", "PATCH", products, {"price": 2}),
        "deleteProduct": ("admin", "DELETE", products, None),
        "listOrders": ("user", "GET", "/api/orders", None),
        "createOrder": ("user", "POST", "/api/orders", new_order),
        "getOrder": ("user", "GET", orders, None),
        "updateOrder": ("admin", "PATCH", orders, {"status": "paid"}),
        "cancelOrder": ("user", "POST", f"{orders}/cancel", None),
        "getHealth": ("anyone", "GET", "/api/health", None),
        "getLiveness": ("anyone", "GET", "/api/health/live", None),
        "getReadiness": ("anyone", "GET", "/api/health/ready", None),
    }


def pick(body, *names):
    return {name: body[name] for name in names}


def test_every_operation_is_counted(operations):
    assert {operation.name for operation in operations} == STATEMENTS.keys()


@pytest.mark.parametrize("name", STATEMENTS)
def test_operation_asks_so_often_and_no_more(connection, callers, calls, name):
    who, method, url, body = calls[name]
    key = {"Idempotency-Key": "k"} if name == "createOrder" else {}

    with statements(connection) as seen:
        answer = callers[who].open(url, method=method, json=body, headers=key)

    assert answer.status_code < 300, answer.text
    assert len(seen) == STATEMENTS[name], seen


@pytest.mark.parametrize("count", [1, 50])
def test_placing_an_order_costs_the_same_whatever_its_items(connection, as_user, count):
    items = [{"product_id": ProductFactory().id, "quantity": 1} for _ in range(count)]
    body = {"items": items, "shipping_address": ADDRESS}

    with statements(connection) as seen:
        answer = as_user.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})

    assert answer.status_code == 201
    assert len(seen) == STATEMENTS["createOrder"], seen


@pytest.mark.parametrize("count", [1, 20])
def test_list_costs_the_same_whatever_its_length(connection, as_user, user, count):
    for _ in range(count):
        OrderFactory(user_id=user.id)

    with statements(connection) as seen:
        assert len(as_user.get("/api/orders").json["items"]) == count

    assert len(seen) == STATEMENTS["listOrders"], seen


def test_the_question_who_asks_goes_by_indexes_only(connection, as_user):
    with statements(connection) as seen:
        as_user.get("/api/users/me")
    statement, parameters = seen[0]
    # A table of a few rows is read from end to end, whatever indexes it has.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")

    plan = str(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all())

    assert plan.count("Index Scan") == 2
    assert "Seq Scan" not in plan
