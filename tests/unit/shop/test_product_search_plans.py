"""A page of many products is read by an index, however deep, in every order and filter."""

from contextlib import contextmanager
from datetime import datetime

import pytest
from alembic import command
from sqlalchemy import create_engine, event, func, select, true
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app.db.schema_version import alembic_config
from services import product_search
from services.pages import PageRequest
from services.product_search import NEARBY, ON_SALE, SORTS, products

pytestmark = pytest.mark.unpooled  # the options of the connection
LIMIT = 20
# Every name has `item`, one in 100 has `medium`, one in 100,000 has `rare`.
FILL = """
    INSERT INTO products (id, name, price, currency, stock, created_at)
    SELECT 'p-' || n, concat_ws(' ', CASE WHEN n %% 100 = 0 THEN 'medium' END,
            CASE WHEN n %% 100000 = 0 THEN 'rare' END, 'item', n %% 1000),
        n * 7919 %% 100000, CASE WHEN n %% 100 < 95 THEN 'USD' ELSE 'EUR' END, n %% 10,
        now() - n * interval '1 minute'
    FROM generate_series(CAST(1 AS bigint), %s) AS n"""
LISTS = [
    ("newest", {}),
    ("name", {}),
    ("newest", {"currency": "USD"}),
    ("newest", {"currency": "EUR"}),
    ("name", {"currency": "EUR"}),
    ("price", {"currency": "USD"}),
    ("-price", {"currency": "EUR"}),
    ("price", {"currency": "USD", "price_min": 500, "price_max": 90_000}),
    ("newest", {"in_stock": True}),
    ("price", {"currency": "USD", "in_stock": True}),
]
SEARCHES = [
    ("newest", {"q": "item"}),
    ("newest", {"q": "i"}),
    ("newest", {"q": "medium"}),
    ("newest", {"q": "medium item"}),
    ("newest", {"q": "rare"}),
    ("newest", {"q": "rare it"}),
    ("newest", {"q": "absent"}),
    ("name", {"q": "rare"}),
    ("price", {"q": "item", "currency": "EUR"}),
    ("-price", {"q": "rare", "currency": "USD", "in_stock": True}),
    ("newest", {"currency": "USD", "price_min": 1000, "price_max": 90_000}),
    ("newest", {"currency": "USD", "price_min": 1000, "price_max": 1010}),
    ("name", {"currency": "EUR", "price_min": 1000, "price_max": 1010}),
]


@pytest.fixture(
    scope="module", params=[200_000, pytest.param(1_000_000, marks=pytest.mark.nightly)]
)
def engine(request, new_database, migrated_url):
    """Return an engine of a database with many products; the migration builds their indexes."""
    url = new_database(make_url(migrated_url).database)
    config = alembic_config()
    config.attributes["url"] = url
    command.downgrade(config, "0006")
    options = "-c max_parallel_workers_per_gather=0"  # as the service sends
    engine = create_engine(url, connect_args={"options": options}, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(FILL, (request.param,))
        command.upgrade(config, "head")
        connection.exec_driver_sql("VACUUM ANALYZE products")
    yield engine
    engine.dispose()


@contextmanager
def explained(engine):
    """Collect the plans of the statements that read products in the block."""
    plans = []

    def explain(_connection, cursor, statement, parameters, *_):
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
        plans.append(cursor.fetchone()[0][0]["Plan"])

    event.listen(engine, "before_cursor_execute", explain)
    yield plans
    event.remove(engine, "before_cursor_execute", explain)


def scans(plan):
    """The rows that each index returned, and that a filter removed."""
    for child in plan.get("Plans", ()):
        yield from scans(child)
    if "Scan" in plan["Node Type"] and plan.get("Relation Name") == "products":
        yield plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)


def middle(engine, sort, currency=None, **_):
    """Return the position in the middle of the list."""
    order, listed = SORTS[sort], ON_SALE.where(
        products.c.currency == currency if currency else true()
    )
    columns = [products.c[name] for name in order.columns]
    keys = [column.desc() if order.descending else column for column in columns]
    with engine.connect() as connection:
        count = connection.scalar(select(func.count()).select_from(listed.subquery()))
        statement = listed.with_only_columns(*columns).order_by(*keys)
        row = connection.execute(statement.offset(count // 2).limit(1)).one()
    return tuple(value.isoformat() if isinstance(value, datetime) else value for value in row)


@pytest.mark.parametrize(("sort", "filters"), LISTS + SEARCHES)
def test_page_is_read_by_an_index_and_a_deep_one_too(engine, sort, filters):
    read = []
    for after in (None, middle(engine, sort, **filters)):
        with explained(engine) as plans, Session(engine) as session:
            product_search.list_all(session, PageRequest(LIMIT, after), sort, **filters)
        assert "'Seq Scan'" not in str(plans), plans
        assert "'Sort'" not in str(plans) or (sort, filters) in SEARCHES, plans
        read.append(sum(rows for plan in plans for rows in scans(plan)))

    # A list reads its page, and the rows that `in_stock` skips. A search reads the first rows
    # nearby, and a small number of matches, or the rows nearby until it has a page.
    most = 2 * (LIMIT + 1) if (sort, filters) in LISTS else NEARBY[0] + 100 * (LIMIT + 1)
    assert max(read) <= most, plans
