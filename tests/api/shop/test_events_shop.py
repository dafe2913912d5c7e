"""Events of orders and products."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events import EventType
from models.orders import Order
from models.users import Role
from services import orders
from services.principals import Principal
from tests.support import events as accounts
from tests.support.api_keys import new_key, using
from tests.support.events import (
    Expected,
    World,
    check_no_personal_data,
    check_recorded,
    recorded,
)
from tests.support.factories import UserFactory
from tests.support.shop import ADDRESS, ProductFactory

MUG = {"id": "mug", "name": "Mug", "price": 5, "currency": "USD", "stock": 10}
LOW = EventType.PRODUCT_STOCK_LOW
PROGRESS = ("paid", "shipped", "delivered")
METADATA = {"note": "a private remark"}


@pytest.fixture
def world(app, session, user, admin, as_user, as_admin):
    return World(app, session, user, admin, as_user, as_admin)


def place(client, quantity=1, product_id="mug", **options):
    body = {
        "items": [{"product_id": product_id, "quantity": quantity}],
        "shipping_address": ADDRESS,
        "metadata": METADATA,
    }
    return client.post("/api/orders", json=body, **options)


def place_one(world):
    ProductFactory(id="mug")
    response = place(world.as_user)
    return response, Expected(response.json["id"], 1, world.user.id, {"status": "pending"})


def advance_to(status):
    def advance(world):
        order_id = place_one(world)[0].json["id"]
        steps = PROGRESS[: PROGRESS.index(status) + 1]
        for step in steps:
            response = world.as_admin.patch(f"/api/orders/{order_id}", json={"status": step})
        expected = Expected(order_id, 1 + len(steps), world.admin.id, {"status": status})
        return response, expected

    return advance


def cancel(world):
    order_id = place_one(world)[0].json["id"]
    response = world.as_user.post(f"/api/orders/{order_id}/cancel")
    return response, Expected(order_id, 2, world.user.id, {"status": "cancelled"})


def create(world):
    response = world.as_admin.post("/api/products", json=MUG)
    return response, Expected("mug", 1, world.admin.id, {})


def update(world):
    ProductFactory(id="mug")
    response = world.as_admin.patch("/api/products/mug", json={"price": 7})
    return response, Expected("mug", 2, world.admin.id, {})


def retire(world):
    place_one(world)
    response = world.as_admin.delete("/api/products/mug")
    return response, Expected("mug", 3, world.admin.id, {})


def delete(world):
    ProductFactory(id="mug")
    response = world.as_admin.delete("/api/products/mug")
    return response, Expected("mug", 2, world.admin.id, {})


def sell(world):
    ProductFactory(id="mug", stock=10, stock_low_threshold=8)
    response = place(world.as_user, 3)
    data = {"stock": 7, "stock_low_threshold": 8}
    return response, Expected("mug", 2, world.user.id, data)


CAUSES = {
    EventType.ORDER_CREATED: place_one,
    EventType.ORDER_PAID: advance_to("paid"),
    EventType.ORDER_SHIPPED: advance_to("shipped"),
    EventType.ORDER_DELIVERED: advance_to("delivered"),
    EventType.ORDER_CANCELLED: cancel,
    EventType.PRODUCT_CREATED: create,
    EventType.PRODUCT_UPDATED: update,
    EventType.PRODUCT_RETIRED: retire,
    LOW: sell,
}


class TestRecords:
    def test_every_type_has_a_request(self):
        by_the_deliverer = {EventType.WEBHOOK_ENDPOINT_DISABLED}
        assert CAUSES.keys() | accounts.CAUSES.keys() | by_the_deliverer == set(EventType)

    @pytest.mark.parametrize("event_type", CAUSES)
    def test_request_records_its_event(self, world, event_type):
        check_recorded(world.session, event_type, CAUSES[event_type](world))

    def test_deletion_of_a_product_without_orders_retires_it(self, world):
        check_recorded(world.session, EventType.PRODUCT_RETIRED, delete(world))

    def test_events_have_no_personal_data(self, world):
        place_one(world)
        world.as_user.post(f"/api/orders/{world.session.scalar(select(Order.id))}/cancel")

        check_no_personal_data(world.session, *ADDRESS.values(), *METADATA.values())

    def test_actor_is_the_api_key(self, app, as_admin, session):
        ProductFactory(id="mug")
        key = new_key(as_admin, "orders:write")
        place(using(app, key["key"]))

        [event] = recorded(session, EventType.ORDER_CREATED)
        assert event.actor_id == key["id"]

    def test_import_records_events_of_the_system(self, app, session, tmp_path):
        ProductFactory(id="old", stock=9, stock_low_threshold=5)
        file = tmp_path / "products.csv"
        file.write_text("id,name,price,currency,stock\nnew,Mug,1,USD,1\nold,Pot,1,USD,2\n")
        app.test_cli_runner().invoke(args=["products", "import", str(file)])

        found = {(each.type, each.resource_id, each.actor_id) for each in recorded(session)}
        assert found == {
            (EventType.PRODUCT_CREATED, "new", None),
            (EventType.PRODUCT_UPDATED, "old", None),
            (LOW, "old", None),
        }

    def test_change_of_nothing_records_no_event(self, as_admin, session):
        product = ProductFactory(id="mug")
        as_admin.patch("/api/products/mug", json={"price": product.price})

        assert recorded(session) == []


class TestTransaction:
    def test_retry_with_the_same_key_records_one_event(self, as_user, session):
        ProductFactory(id="mug")
        for _ in range(2):
            place(as_user, headers={"Idempotency-Key": "k"})

        assert len(recorded(session)) == 1

    def test_order_that_fails_records_no_event(self, as_user, session):
        ProductFactory(id="mug", stock=2, stock_low_threshold=2)

        assert place(as_user, 3).status_code == 409
        assert recorded(session) == []

    def test_events_are_rolled_back_with_the_order(self, own_engine, seen):
        with Session(own_engine, expire_on_commit=False) as session:
            user, mug = UserFactory.build(), ProductFactory.build(stock=1, stock_low_threshold=0)
            session.add_all([user, mug])
            session.commit()
            principal = Principal(user.id, "session", Role.USER)
            orders.place(session, principal, [{"product_id": mug.id, "quantity": 1}], ADDRESS)
            assert len(recorded(session)) == 2
            session.rollback()

        assert seen("SELECT id FROM events") == []


class TestLowStock:
    @pytest.fixture
    def lows(self, session):
        """Return a function that returns the stock in the events of low stock."""
        return lambda: [event.data["stock"] for event in recorded(session, LOW)]

    @pytest.mark.parametrize(
        ("threshold", "stock", "is_low"),
        [(None, 0, False), (0, 0, True), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True)],
    )
    def test_order_and_change_report_the_same(self, world, lows, threshold, stock, is_low):
        for product_id in ("ordered", "lost", "counted"):
            ProductFactory(id=product_id, stock=10, stock_low_threshold=threshold)
        place(world.as_user, 10 - stock, "ordered")
        lost = {"change": stock - 10, "reason": "loss"}
        world.as_admin.post("/api/products/lost/stock", json=lost)
        any_version = {"If-Match": "*"}
        world.as_admin.patch("/api/products/counted", json={"stock": stock}, headers=any_version)

        assert lows() == [stock] * 3 * is_low

    def test_low_stock_is_reported_again_only_after_it_rose(self, as_user, as_admin, lows):
        ProductFactory(id="mug", stock=10, stock_low_threshold=9)
        place(as_user, 1)
        place(as_user, 1)
        as_admin.post("/api/products/mug/stock", json={"change": 5, "reason": "delivery"})
        place(as_user, 5)

        assert lows() == [9, 8]

    def test_threshold_can_be_set_and_removed(self, as_admin):
        created = as_admin.post("/api/products", json=MUG | {"stock_low_threshold": 3}).json
        changed = as_admin.patch("/api/products/mug", json={"stock_low_threshold": None}).json

        assert (created["stock_low_threshold"], changed["stock_low_threshold"]) == (3, None)
