"""How often each endpoint asks PostgreSQL, and what."""

from contextlib import contextmanager

import pytest

from tests.factories import ADDRESS, PASSWORD, OrderFactory, ProductFactory, UserFactory

# Round trips, and the statements that they bring; a transaction's COMMIT is one trip more. The
# first statement is nearly always the question who asks, and what it goes with is the next.
STATEMENTS = {
    "register": (1, 1),
    "login": (3, 3),
    "refresh": (1, 1),
    "logout": (1, 2),
    "listSessions": (1, 2),
    "endSession": (1, 2),
    "getProfile": (1, 1),
    "updateProfile": (2, 3),
    "changePassword": (4, 5),
    "listUsers": (1, 2),
    "getUser": (1, 2),
    "updateUser": (3, 4),
    "listProducts": (1, 1),
    "createProduct": (1, 2),
    "getProduct": (1, 1),
    "updateProduct": (2, 3),
    "deleteProduct": (3, 4),
    "listOrders": (1, 2),
    "createOrder": (2, 4),
    "getOrder": (1, 2),
    "updateOrder": (4, 5),
    "cancelOrder": (6, 7),
    "getHealth": (0, 0),
    "getLiveness": (0, 0),
    "getReadiness": (2, 2),
}


class Seen:
    """What the driver was asked: how often, and which statements."""

    def __init__(self):
        self.trips, self.statements = 0, []

    @property
    def counts(self):
        return self.trips, len(self.statements)


@contextmanager
def statements(connection):
    """What the driver is asked in the block, but for the savepoints of the tests."""
    seen = Seen()
    driver = connection.connection.dbapi_connection
    factory = driver.cursor_factory

    class Noting(factory):
        def execute(self, statement, parameters=None):
            deferred = [each for each in self.connection.deferred if each != b"BEGIN"]
            seen.statements += [(each.decode(), None) for each in deferred]
            if not statement.startswith("PREPARE") and "SAVEPOINT" not in statement:
                seen.statements.append((statement, parameters))
                seen.trips += 1
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
    assert seen.counts == STATEMENTS[name], seen.statements


@pytest.mark.parametrize("count", [1, 50])
def test_placing_an_order_costs_the_same_whatever_its_items(connection, as_user, count):
    items = [{"product_id": ProductFactory().id, "quantity": 1} for _ in range(count)]
    body = {"items": items, "shipping_address": ADDRESS}

    with statements(connection) as seen:
        answer = as_user.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})

    assert answer.status_code == 201
    assert seen.counts == STATEMENTS["createOrder"], seen.statements


@pytest.mark.parametrize("count", [1, 20])
def test_list_costs_the_same_whatever_its_length(connection, as_user, user, count):
    for _ in range(count):
        OrderFactory(user_id=user.id)

    with statements(connection) as seen:
        assert len(as_user.get("/api/orders").json["items"]) == count

    assert seen.counts == STATEMENTS["listOrders"], seen.statements


@pytest.mark.parametrize("url", ["/api/users/me", "/api/orders"])
def test_the_question_who_asks_goes_by_indexes_only(connection, as_user, url):
    with statements(connection) as seen:
        as_user.get(url)
    statement, parameters = seen.statements[0]
    # A table of a few rows is read from end to end, whatever indexes it has.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")

    plan = str(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all())

    assert plan.count("Index Scan") == 2
    assert "Seq Scan" not in plan
