"""Orders find their products by index, also in a small catalogue."""

from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.prepared import forms
from services.order_statements import PLACE_ORDER
from services.stock import ADD
from tests.support.shop import ADDRESS, ProductFactory

LINES = {"product_ids": ["catalogue-1", "catalogue-2"], "quantities": [1, 2]}
ORDER = {
    "id": UUID(int=1).hex,
    "user_id": UUID(int=2).hex,
    "api_key_id": UUID(int=3).hex,
    "metadata": "{}",
    "event_id": UUID(int=4).hex,
    "resource_id": "order_1",
    "actor_id": "user_2",
    "request_id": None,
}
CANCELLATION = {
    "changes": [1, 2],
    "reason": "cancellation",
    "order_id": UUID(int=1).hex,
    "changed_by": UUID(int=2).hex,
    "changed_by_api_key": UUID(int=3).hex,
}

UPDATES = """
    SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'products'"""


@pytest.fixture
def catalogue(connection):
    """Create a thousand products: few enough for PostgreSQL to consider a sequential scan."""
    connection.exec_driver_sql("""
        INSERT INTO products (id, name, price, currency, stock)
        SELECT 'catalogue-' || i, 'Mug', 1250, 'USD', 10 FROM generate_series(1, 1000) AS i
        """)
    connection.exec_driver_sql("ANALYZE products")


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(("statement", "values"), [(PLACE_ORDER, ORDER), (ADD, CANCELLATION)])
def test_products_of_an_order_are_found_by_their_index(connection, statement, values):
    compiled = statement.compile(dialect=connection.dialect)
    name, prepare, execute = forms(str(compiled))
    parameters = compiled.construct_params({**values, **LINES, "shipping_address": "{}"})
    # The generic plan, which PostgreSQL uses after a few executions on a connection.
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    connection.exec_driver_sql(prepare.replace(name, "explained"))

    explained = f"EXPLAIN {execute}".replace(name, "explained")
    plan = connection.exec_driver_sql(explained, parameters).scalars().all()
    connection.exec_driver_sql("DEALLOCATE explained")

    assert not [line for line in plan if "Seq Scan" in line], plan
    assert len([line for line in plan if "using pk_products" in line]) == 2, plan


def test_order_writes_to_no_index_of_its_product(as_user, session):
    ProductFactory(id="mug")
    items = [{"product_id": "mug", "quantity": 1}]
    for _ in range(10):
        body = {"items": items, "shipping_address": ADDRESS}
        assert as_user.post("/api/orders", json=body).status_code == 201

    # An update can fail to be "heap-only" (HOT) once, if the page of the row is full.
    updated, heap_only = session.execute(text(UPDATES)).one()
    assert updated >= 10
    assert heap_only >= updated - 1
