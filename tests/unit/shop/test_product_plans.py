"""Orders find their products by index, also in a small catalogue."""

import re
from uuid import UUID

import pytest

from app.db.prepared import forms
from services.order_statements import PLACE_ORDER
from services.stock import ADD

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
INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 'products'"


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


def test_order_changes_no_indexed_column_of_a_product(connection):
    """PostgreSQL then updates no index (HOT), if the page has room."""
    indexes = connection.exec_driver_sql(INDEXES).scalars().all()

    assert any("search_words" in definition for definition in indexes)
    assert [each for each in indexes if re.search("stock|version|updated_at", each)] == []
