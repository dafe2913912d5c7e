"""Migrations keep the rows of the shop."""

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session

from app.db.schema_version import alembic_config
from services import demo, stock_verification
from tests.support.migrations import check_downgrades

SIZES = demo.Sizes(users=3, products=4, orders=12)
NAMES = text("SELECT DISTINCT product_id, name FROM order_items ORDER BY product_id")
# More than a batch of the migration.
MANY_PRODUCTS = """
    INSERT INTO products (id, name, price, currency, stock)
    SELECT 'P_' || n, 'Mug', 1, 'USD', n FROM generate_series(1, 2500) AS n"""


@pytest.fixture
def config(new_database):
    config = alembic_config()
    config.attributes["url"] = new_database()
    return config


@pytest.fixture
def engine(config):
    return create_engine(config.attributes["url"], poolclass=NullPool)


def load(engine):
    with Session(engine) as session, session.begin():
        demo.load(session, SIZES, "user{n}@example.com", "long enough", accounts=True)


def test_every_migration_can_be_repeated_and_keeps_the_orders(engine, config):
    check_downgrades(engine, config, load)


def test_items_of_existing_orders_get_the_names_of_their_products(engine, config):
    command.upgrade(config, "head")
    load(engine)
    command.downgrade(config, "0003")
    with engine.begin() as connection:
        connection.execute(text("UPDATE products SET name = 'Product ' || id"))

    command.upgrade(config, "head")

    with engine.connect() as connection:
        items = connection.execute(NAMES).all()
    assert items == [(f"demo-{n}", f"Product demo-{n}") for n in range(1, 5)]


def test_products_with_stock_get_an_opening_row_that_is_their_stock(engine, config):
    command.upgrade(config, "head")
    load(engine)
    command.downgrade(config, "0005")
    with engine.begin() as connection:
        connection.execute(text("UPDATE products SET stock = 0 WHERE id = 'demo-1'"))
        connection.execute(text(MANY_PRODUCTS))

    command.upgrade(config, "head")

    with engine.connect() as connection:
        rows = connection.execute(text("SELECT product_id, reason, change FROM stock_changes"))
        products = connection.execute(text("SELECT id, 'opening', stock FROM products"))
        assert sorted(rows) == sorted(row for row in products if row[0] != "demo-1")
    with Session(engine) as session:
        assert stock_verification.differences(session) == []
