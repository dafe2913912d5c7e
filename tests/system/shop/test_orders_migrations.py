"""Migrations keep the rows of the shop."""

from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import Session

from app.db.schema_version import alembic_config
from services import demo
from tests.support.migrations import check_downgrades

SIZES = demo.Sizes(users=3, products=4, orders=12)


def load(engine):
    with Session(engine) as session, session.begin():
        demo.load(session, SIZES, "user{n}@example.com", "long enough", accounts=True)


def test_every_migration_goes_down_and_up_again_and_keeps_the_orders(new_database):
    config = alembic_config()
    config.attributes["url"] = new_database()
    engine = create_engine(config.attributes["url"], poolclass=NullPool)

    check_downgrades(engine, config, load)
