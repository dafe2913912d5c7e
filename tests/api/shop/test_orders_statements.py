"""Number of SQL statements of the operations on orders."""

import pytest

from tests.support.shop import ADDRESS, OrderFactory, ProductFactory
from tests.support.statements import statements

# Statements without BEGIN and COMMIT. The first of each operation loads the user.
BUDGET = {"listOrders": 2, "createOrder": 4, "getOrder": 2}


@pytest.fixture
def calls(user):
    """Return the method, the URL and the body of each operation."""
    order, product = OrderFactory(user_id=user.id), ProductFactory()
    new_order = {
        "items": [{"product_id": product.id, "quantity": 1}],
        "shipping_address": ADDRESS,
    }
    return {
        "listOrders": ("GET", "/api/orders", None),
        "createOrder": ("POST", "/api/orders", new_order),
        "getOrder": ("GET", f"/api/orders/{order.id}", None),
    }


@pytest.mark.parametrize("name", BUDGET)
def test_operation_has_the_expected_round_trips(engine, as_user, calls, name):
    method, url, body = calls[name]
    key = {"Idempotency-Key": "k"} if name == "createOrder" else {}

    with statements(engine) as seen:
        response = as_user.open(url, method=method, json=body, headers=key)

    assert response.status_code < 300, response.text
    assert len(seen) <= BUDGET[name], seen


@pytest.mark.parametrize("count", [1, 50])
def test_round_trips_of_an_order_do_not_depend_on_its_items(engine, as_user, count):
    items = [{"product_id": ProductFactory().id, "quantity": 1} for _ in range(count)]
    body = {"items": items, "shipping_address": ADDRESS}

    with statements(engine) as seen:
        response = as_user.post("/api/orders", json=body, headers={"Idempotency-Key": "k"})

    assert response.status_code == 201
    assert len(seen) <= BUDGET["createOrder"], seen


@pytest.mark.parametrize("count", [1, 20])
def test_round_trips_of_a_list_do_not_depend_on_its_length(engine, as_user, user, count):
    for _ in range(count):
        OrderFactory(user_id=user.id)

    with statements(engine) as seen:
        assert len(as_user.get("/api/orders").json["items"]) == count

    assert len(seen) <= BUDGET["listOrders"], seen
