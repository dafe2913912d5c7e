"""What an order takes and gives back is found by an index, in a small catalogue too."""

import pytest

from app.prepared import kept_form
from services.order_statements import PLACING
from services.stock import RELEASING

LINES = {"product_ids": ["catalogue-1", "catalogue-2"], "quantities": [1, 2]}
ORDER = {"id": "", "user_id": "", "shipping_address": {}}


@pytest.fixture
def catalogue(connection):
    """A thousand products: few enough for PostgreSQL to think of reading them all."""
    connection.exec_driver_sql("""
        INSERT INTO products (id, name, price, currency, stock)
        SELECT 'catalogue-' || i, 'Mug', 1250, 'USD', 10 FROM generate_series(1, 1000) AS i
        """)
    connection.exec_driver_sql("ANALYZE products")


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(("statement", "values"), [(PLACING, ORDER), (RELEASING, {})])
def test_products_of_an_order_are_found_by_their_index(connection, statement, values):
    kept = kept_form(statement, connection.dialect, pooled=False)
    with connection.connection.cursor() as cursor:
        cursor.execute(kept.prepare.replace("PREPARE s", "PREPARE explained"))
        # What a connection goes over to when it has run the statement a few times.
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        execute = kept.execute.replace("EXECUTE s", "EXECUTE explained")
        cursor.execute(f"EXPLAIN {execute}", kept.bound({**values, **LINES}))

        plan = [line for (line,) in cursor]

    assert not [line for line in plan if "Seq Scan" in line], plan
    assert len([line for line in plan if "using pk_products" in line]) == 2, plan
