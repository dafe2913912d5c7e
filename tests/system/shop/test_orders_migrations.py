"""Migrations keep the rows of the shop."""

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.orm import Session

from app.db.schema_version import alembic_config
from services import demo
from tests.support.migrations import check_downgrades

SIZES = demo.Sizes(users=3, products=4, orders=12)
NAMES = text("SELECT DISTINCT product_id, name FROM order_items ORDER BY product_id")


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
