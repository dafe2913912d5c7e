"""The sum of the changes of a product is its stock, whatever changes the stock."""

from random import Random

import pytest
from sqlalchemy import func, select, text, update

from commands import demo, products
from models.base import table
from models.products import Product
from models.stock import GIVEN_REASONS, StockChange, StockReason
from services import stock_verification
from tests.support.shop import ADDRESS

# The operations of the API and the commands that write products or orders.
WRITES = {
    "createProduct",
    "updateProduct",
    "deleteProduct",
    "changeStock",
    "createOrder",
    "updateOrder",
    "cancelOrder",
    "products import",
    "products verify-stock",
    "demo load",
}
# The reasons that the service gives; only the migration inserts `opening`.
REASONS = set(StockReason).difference(GIVEN_REASONS, {StockReason.OPENING})
ANY = {"If-Match": "*"}
STEPS = 150


class Shop:
    """Calls random operations on a few products; each method is one of `WRITES`."""

    def __init__(self, seed, user, admin, flask, path):
        self.random, self.user, self.admin, self.flask = Random(seed), user, admin, flask
        self.path, self.ids, self.orders = path, ["p0", "p1", "p2"], []

    def some(self):
        return self.random.choice(self.ids)

    def units(self):
        return self.random.randint(0, 9)

    def fields(self):
        return {"name": "Mug", "price": 1, "currency": "USD", "stock": self.units()}

    def create_product(self):
        self.admin.post("/api/products", json={**self.fields(), "id": self.some()})

    def update_product(self):
        self.admin.patch(f"/api/products/{self.some()}", json=self.fields(), headers=ANY)

    def delete_product(self):
        self.admin.delete(f"/api/products/{self.some()}")

    def change_stock(self):
        change = self.random.choice([1, -1]) * (1 + self.units())
        body = {"change": change, "reason": self.random.choice(GIVEN_REASONS)}
        self.admin.post(f"/api/products/{self.some()}/stock", json=body)

    def create_order(self):
        chosen = self.random.sample(self.ids, 2)
        items = [{"product_id": each, "quantity": 1 + self.units() // 3} for each in chosen]
        order = self.user.post("/api/orders", json={"items": items, "shipping_address": ADDRESS})
        if order.status_code == 201:
            self.orders.append(order.json["id"])

    def update_order(self):
        if self.orders:
            status = self.random.choice(["paid", "cancelled"])
            order = self.random.choice(self.orders)
            self.admin.patch(f"/api/orders/{order}", json={"status": status})

    def cancel_order(self):
        if self.orders:
            self.user.post(f"/api/orders/{self.random.choice(self.orders)}/cancel")

    def products_import(self):
        lines = [f"{each},Mug,1,USD,{self.units()}" for each in self.ids]
        self.path.write_text("\n".join(["id,name,price,currency,stock", *lines]))
        assert self.flask("products", "import", str(self.path)).exit_code == 0

    def products_verify_stock(self):
        assert self.flask("products", "verify-stock", "--repair").exit_code == 0

    def demo_load(self):
        sizes = ("--products", str(1 + self.units()), "--users", "1", "--orders", "3")
        assert self.flask("demo", "load", *sizes).exit_code == 0


def method_of(write):
    return (
        "".join(f"_{c.lower()}" if c.isupper() else c for c in write)
        .replace(" ", "_")
        .replace("-", "_")
    )


def stocks(session):
    return read(session, select(Product.id, Product.stock))


def sums(session):
    sum_ = func.sum(StockChange.change)
    return read(session, select(StockChange.product_id, sum_).group_by(StockChange.product_id))


def read(session, statement):
    """Return a dict, and end the transaction, because `flask` rolls it back after a command."""
    rows = dict(session.execute(statement).all())
    session.commit()
    return rows


def test_all_writes_are_covered(operations):
    paths = ("/api/products", "/api/orders")
    methods = {
        operation.doc["operationId"]
        for operation in operations
        if operation.method != "get" and operation.path.startswith(paths)
    }
    groups = (products.command, demo.command)
    commands = {f"{group.name} {name}" for group in groups for name in group.commands}

    assert methods | commands == WRITES


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (1, 2))]
)
def test_each_write_keeps_the_sum_equal_to_the_stock(
    session, as_user, as_admin, flask, tmp_path, seed
):
    shop = Shop(seed, as_user, as_admin, flask, tmp_path / "products.csv")
    reasons = set()
    for step in range(STEPS):
        write = shop.random.choice(sorted(WRITES)) if step else "products import"

        getattr(shop, method_of(write))()

        after = stocks(session)
        assert {key: sums(session).get(key, 0) for key in after} == after, write
        reasons |= read(session, select(StockChange.reason, StockChange.reason)).keys()

    assert reasons >= REASONS


@pytest.fixture
def difference(session, as_admin):
    """A product whose last change was not recorded, as by a pod of version 1.0."""
    fields = {"id": "mug", "name": "Mug", "price": 1, "currency": "USD", "stock": 10}
    as_admin.post("/api/products", json=fields)
    session.execute(
        update(table(Product)).values(stock=Product.stock - 3, version=Product.version + 1)
    )
    session.commit()


@pytest.mark.usefixtures("difference")
class TestVerifyStock:
    def test_difference_is_an_error_that_names_the_product(self, flask):
        result = flask("products", "verify-stock")

        assert result.exit_code == 1
        assert "mug: the stock is 7, the sum of its changes 10." in result.stdout

    def test_repair_records_the_difference_and_keeps_the_stock(self, flask, session):
        assert flask("products", "verify-stock", "--repair").exit_code == 0

        assert flask("products", "verify-stock").exit_code == 0
        assert stocks(session) == {"mug": 7}
        rows = session.execute(
            select(StockChange.reason, StockChange.change, StockChange.stock, StockChange.version)
        )
        assert rows.all() == [("created", 10, 10, 1), ("correction", -3, 7, 3)]

    def test_timeout_of_requests_does_not_apply(self, session):
        stock_verification.differences(session)

        assert session.scalar(text("SHOW statement_timeout")) == "0"

    def test_repair_without_a_difference_records_nothing(self, flask, session):
        flask("products", "verify-stock", "--repair")

        stock_verification.repair(session, "mug")

        assert session.scalar(text("SELECT count(*) FROM stock_changes")) == 2
