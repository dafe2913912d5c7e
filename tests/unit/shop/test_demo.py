"""Demo rows: numbers, content, and repeated loads."""

import re

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models.orders import Order
from models.products import Product
from models.users import Role, User
from services import demo, demo_products, passwords

PATTERN = "user{n}@example.com"
SIZES = demo.Sizes(users=1000, products=1000, orders=20_000)
COUNTS = """
    SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM products),
           (SELECT count(*) FROM orders), (SELECT count(*) FROM order_items),
           (SELECT sum(version) FROM products)"""


@pytest.fixture(scope="module")
def loaded(new_database, migrated_url):
    """Return a session on a database with demo rows, for tests that only read."""
    engine = create_engine(new_database(make_url(migrated_url).database))
    with Session(engine) as session:
        demo.load(session, SIZES, PATTERN, "securepassword123", accounts=True)
        session.commit()
        yield session
    engine.dispose()


def load(session, users=2, products=3, orders=0, email=PATTERN, password="p" * 8, accounts=True):
    return demo.load(
        session, demo.Sizes(users, products, orders), email, password, accounts=accounts
    )


class TestWithoutAccounts:
    def test_no_account_has_a_documented_address(self, session):
        load(session, accounts=False)

        emails = set(session.scalars(text("SELECT email FROM users")))
        assert emails == {"user1@example.com", "user2@example.com"}


class TestLoad:
    def test_second_load_changes_nothing(self, loaded):
        before = loaded.execute(text(COUNTS)).one()

        added = demo.load(loaded, SIZES, PATTERN, "another password", accounts=True)

        assert added == demo.Sizes(0, 0, 0)
        assert loaded.execute(text(COUNTS)).one() == before

    def test_larger_load_adds_missing_rows(self, session):
        load(session, users=2, orders=5)

        assert load(session, users=3, products=4, orders=30) == demo.Sizes(1, 1, 25)

    def test_orders_of_users_count_and_are_kept(self, session):
        load(session, users=2, orders=4)
        order = session.query(Order).first()
        order.status = "delivered"
        session.flush()

        assert load(session, users=2, orders=4) == demo.Sizes(0, 0, 0)
        session.refresh(order)
        assert order.status == "delivered"

    def test_existing_account_keeps_its_password(self, session):
        load(session, email="loaded{n}@example.com", password="the first one")
        load(session, email="Loaded{n}@Example.com", password="the second one")

        user = session.query(User).filter_by(email="loaded1@example.com").one()
        assert passwords.matches("the first one", user.password_hash)

    def test_one_product_is_enough(self, session):
        load(session, products=1, orders=10)

        assert session.scalar(text("SELECT count(*) FROM order_items")) == 10

    def test_documented_accounts_can_sign_in(self, session):
        load(session)

        for email, password, role in (
            ("user@example.com", "securepassword123", Role.USER),
            ("admin@example.com", "administrator123", Role.ADMIN),
        ):
            user = session.query(User).filter_by(email=email).one()
            assert passwords.matches(password, user.password_hash)
            assert user.role == role

    def test_documented_products_are_for_sale(self, session):
        load(session)

        for key in ("abc", "def"):
            product = session.get(Product, key)
            assert product.retired_at is None
            assert product.currency == "USD"


class TestRows:
    def test_every_user_has_an_equal_share_of_the_orders(self, loaded):
        counts = loaded.execute(text("""
                SELECT count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id
                WHERE u.email LIKE 'user_%@example.com' GROUP BY u.id""")).scalars()

        assert list(counts) == [20] * 1000

    def test_orders_have_two_or_three_lines_of_different_products(self, loaded):
        lines = loaded.execute(text("""
                SELECT DISTINCT lines, products FROM (
                    SELECT count(i.position) AS lines, count(DISTINCT product_id) AS products
                    FROM orders o LEFT JOIN order_items i ON i.order_id = o.id GROUP BY o.id
                ) AS sizes ORDER BY 1""")).all()

        assert lines == [(2, 2), (3, 3)]

    def test_totals_are_the_sums_of_the_lines_at_the_prices_of_the_products(self, loaded):
        wrong = loaded.execute(text("""
                SELECT count(*) FROM orders o WHERE currency <> 'USD' OR total <> (
                    SELECT sum(i.quantity * i.unit_price) FROM order_items i
                    JOIN products p ON p.id = i.product_id AND p.price = i.unit_price
                    WHERE i.order_id = o.id)""")).scalar_one()

        assert wrong == 0

    def test_all_statuses_occur_for_every_user(self, loaded):
        statuses = loaded.execute(
            text("SELECT DISTINCT count(DISTINCT status) FROM orders GROUP BY user_id")
        ).scalars()

        assert list(statuses) == [5]

    def test_ids_are_of_version_7_and_the_variant_of_rfc_9562(self, loaded):
        ids = loaded.execute(text("SELECT id FROM users UNION SELECT id FROM orders")).scalars()

        assert {(uuid.version, uuid.variant) for uuid in ids} == {(7, "specified in RFC 4122")}

    def test_ids_of_orders_contain_their_times(self, loaded):
        rows = loaded.execute(text("SELECT id, created_at FROM orders ORDER BY id")).all()

        assert [row.created_at for row in rows] == sorted(row.created_at for row in rows)
        for row in rows:
            assert row.id.int >> 80 == int(row.created_at.timestamp() * 1000)


class TestProducts:
    def test_names_are_all_different_and_not_numbered_in_a_small_catalogue(self):
        products = list(demo_products.generated(1000))

        assert len({product["name"] for product in products}) == 1000
        assert not any(re.search(r"demo|[0-9]", product["name"], re.I) for product in products)
        assert all(product["description"] for product in products)

    def test_names_are_all_different_in_a_large_catalogue(self):
        assert len({product["name"] for product in demo_products.generated(5000)}) == 5000

    def test_prices_and_stock_are_realistic(self):
        for product in demo_products.generated(1000):
            assert 300 <= product["price"] <= 30_000
            assert 1 <= product["stock"] <= 500

    def test_products_are_deterministic(self):
        assert list(demo_products.generated(5)) == list(demo_products.generated(50))[:5]

    def test_stock_of_documented_products_is_enough_for_a_hundred_orders(self, session):
        load(session)

        assert session.get(Product, "abc").stock in range(200, 1000)
        assert session.get(Product, "def").stock in range(100, 1000)

    def test_stock_for_load_tests_can_be_given(self, session):
        sizes = demo.Sizes(users=2, products=3, orders=0)
        demo.load(session, sizes, PATTERN, "p" * 8, accounts=False, stock=1_000_000_000)

        assert set(session.scalars(text("SELECT stock FROM products"))) == {1_000_000_000}

    def test_second_load_leaves_stock_alone(self, session):
        load(session)
        session.execute(text("UPDATE products SET stock = 0"))

        load(session)

        assert set(session.scalars(text("SELECT stock FROM products"))) == {0}
