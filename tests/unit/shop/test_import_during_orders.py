"""A product import writes in short transactions, during orders of the same products."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from models.products import Product
from models.users import Role
from services import orders
from services.principals import Principal
from tests.support.factories import UserFactory
from tests.support.shop import ADDRESS, ProductFactory
from tests.support.waiting import wait_for

IDS = [f"p{n:04}" for n in range(2500)]
FIRST, LAST = IDS[0], IDS[-1]
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
LARGEST_TRANSACTION = text("""
    SELECT max(count) FROM (SELECT count(*) FROM products GROUP BY CAST(xmin AS text)) AS written
    """)


@pytest.fixture
def database(own_engine, use_engine):
    """Create a database that the commands use too."""
    use_engine(own_engine)
    return own_engine


@pytest.fixture
def products_csv(tmp_path):
    """Return the products in reverse order of their ids."""
    lines = [f"{key},Mug,1250,USD,7" for key in reversed(IDS)]
    path = tmp_path / "products.csv"
    path.write_text("\n".join(["id,name,price,currency,stock", *lines]))
    return str(path)


def order(engine, user, product_id):
    items = [{"product_id": product_id, "quantity": 1}]
    with Session(engine) as session, session.begin():
        session.execute(text("SET LOCAL lock_timeout = '2s'"))  # as requests have it
        return orders.place(session, Principal(user.id, "session", Role.USER), items, ADDRESS)


def fetch(engine, statement):
    with engine.connect() as connection:
        return connection.scalars(statement).all()


def test_order_of_an_imported_product_succeeds_while_the_import_continues(
    database, flask, products_csv
):
    user = UserFactory.build()
    with Session(database, expire_on_commit=False) as session, session.begin():
        session.add_all([user, ProductFactory.build(id=FIRST), ProductFactory.build(id=LAST)])

    with Session(database) as other, ThreadPoolExecutor(1) as thread:
        other.get(Product, LAST, with_for_update=True)
        importing = thread.submit(flask, "products", "import", products_csv)
        wait_for(lambda: fetch(database, WAITING) != [0])
        placed = order(database, user, FIRST)
        assert not importing.done()
        other.rollback()
        result = importing.result(60)

    assert placed.total == 1250
    assert "Imported 2500 products." in result.stdout
    assert fetch(database, select(Product.stock).order_by(Product.id)) == [6] + [7] * 2499


def test_transaction_writes_at_most_500_products(database, flask, products_csv):
    assert flask("products", "import", products_csv).exit_code == 0

    assert fetch(database, LARGEST_TRANSACTION) == [500]


def test_failed_import_says_what_it_wrote_and_can_run_again(database, flask, products_csv):
    with database.begin() as connection:
        connection.execute(text(f"ALTER TABLE products ADD CONSTRAINT no CHECK (id <> '{LAST}')"))

    failed = flask("products", "import", products_csv)

    assert failed.exit_code == 1
    assert "PostgreSQL: " in failed.stderr
    assert "2000 of 2500 products were written" in failed.stderr
    assert fetch(database, select(Product.id).order_by(Product.id)) == IDS[:2000]

    with database.begin() as connection:
        connection.execute(text("ALTER TABLE products DROP CONSTRAINT no"))

    assert "Imported 2500 products." in flask("products", "import", products_csv).stdout
    assert fetch(database, select(Product.id).order_by(Product.id)) == IDS


def test_import_with_a_pool_of_one_connection_says_that_it_needs_two(
    own_engine, use_engine, flask, products_csv
):
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}
    small = create_engine(own_engine.url, **pool)
    use_engine(small)

    failed = flask("products", "import", products_csv)
    small.dispose()

    assert failed.exit_code == 1
    assert "DATABASE_POOL_SIZE" in failed.stderr
    assert "0 of 2500 products were written" in failed.stderr
