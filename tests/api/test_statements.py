"""Budgets of SQL statements for the hot operations."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.support.factories import PASSWORD
from tests.support.shop import ADDRESS, OrderFactory, ProductFactory

# Statements of the five hot operations, without BEGIN and COMMIT. The first of each operation that
# needs a token loads the user.
BUDGET = {"login": 3, "getProfile": 1, "listOrders": 2, "createOrder": 4, "getOrder": 2}


@contextmanager
def statements(engine):
    """Collect the statements that the engine executes, without the savepoints of the tests."""
    seen = []

    def note(_connection, _cursor, statement, parameters, *_):
        if "SAVEPOINT" not in statement:
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def calls(user, as_user):
    """The method, the URL and the body of each operation."""
    order, product = OrderFactory(user_id=user.id), ProductFactory()
    new_order = {
        "items": [{"product_id": product.id, "quantity": 1}],
        "shipping_address": ADDRESS,
    }
    credentials = {"email": user.email, "password": PASSWORD}
    return {
        "login": ("POST", "/api/auth/login", credentials),
        "getProfile": ("GET", "/api/users/me", None),
        "listOrders": ("GET", "/api/orders", None),
        "createOrder": ("POST", "/api/orders", new_order),
        "getOrder": ("GET", f"/api/orders/{order.id}", None),
    }


@pytest.mark.parametrize("name", BUDGET)
def test_hot_operation_stays_in_its_budget(engine, as_user, calls, name):
    method, url, body = calls[name]
    key = {"Idempotency-Key": "k"} if name == "createOrder" else {}

    with statements(engine) as seen:
        answer = as_user.open(url, method=method, json=body, headers=key)

    assert answer.status_code < 300, answer.text
    assert len(seen) <= BUDGET[name], seen


@pytest.mark.parametrize("count", [1, 50])
def test_placing_an_order_costs_the_same_whatever_its_items(engine, as_user, count):
    items = [{"product_id": ProductFactory().id, "quantity": 1} for _ in range(count)]
    body = {"items": items, "shipping_address": ADDRESS}

    with statements(engine) as seen:
        answer = as_user.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})

    assert answer.status_code == 201
    assert len(seen) <= BUDGET["createOrder"], seen


@pytest.mark.parametrize("count", [1, 20])
def test_list_costs_the_same_whatever_its_length(engine, as_user, user, count):
    for _ in range(count):
        OrderFactory(user_id=user.id)

    with statements(engine) as seen:
        assert len(as_user.get("/api/orders").json["items"]) == count

    assert len(seen) <= BUDGET["listOrders"], seen


@pytest.mark.parametrize("url", ["/api/users/me", "/api/orders"])
def test_the_user_is_loaded_by_indexes_only(connection, engine, as_user, url):
    with statements(engine) as seen:
        as_user.get(url)
    statement, parameters = seen[0]
    # PostgreSQL reads a table of a few rows completely, whatever indexes it has.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")

    plan = str(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all())

    assert plan.count("Index Scan") == 2
    assert "Seq Scan" not in plan
