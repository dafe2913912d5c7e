"""Rows to try the service with, made inside PostgreSQL: 200,000 orders take seconds."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from services import passwords

USER, USER_PASSWORD = "user@example.com", "securepassword123"
ADMIN, ADMIN_PASSWORD = "admin@example.com", "administrator123"


@dataclass(frozen=True)
class Sizes:
    users: int
    products: int
    orders: int


def load(session: Session, sizes: Sizes, email: str, password: str, *, accounts: bool) -> None:
    """Load `sizes` of rows; those of an earlier load stay as they are.

    `email` has `{n}` in it, for 1, 2, …; all users share `password`. With `accounts`, the two
    documented accounts come too, and the products that the examples order.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))
    if accounts:
        _accounts(session)
    values = {
        "users": sizes.users,
        "products": sizes.products,
        "orders": sizes.orders,
        "email": email.lower(),
        "hash": passwords.hashed(password),
    }
    for statement in (NAMED_PRODUCTS, USERS, PRODUCTS, ORDERS):
        session.execute(text(statement), values)
    session.execute(text("ANALYZE users, products, orders, order_items"))


def _accounts(session: Session) -> None:
    for email, password, name, role in (
        (USER, USER_PASSWORD, "John Doe", "user"),
        (ADMIN, ADMIN_PASSWORD, "Ada Admin", "admin"),
    ):
        values = {"email": email, "hash": passwords.hashed(password), "name": name, "role": role}
        session.execute(text(ACCOUNT), values)


# A UUIDv7 (RFC 9562) of a time that may be past, so that ids sort as they would have.
UUID7 = """overlay(overlay(md5(random()::text || clock_timestamp()::text)
    placing lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') from 1 for 12)
    placing '7' from 13 for 1)"""
VARIANT = "overlay(" + UUID7 + " placing '8' from 17 for 1)::uuid"

ACCOUNT = f"""
    INSERT INTO users (id, email, password_hash, name, role)
    VALUES ({VARIANT.format(at="now()")}, :email, :hash, :name, :role) ON CONFLICT DO NOTHING"""

NAMED_PRODUCTS = """
    INSERT INTO products (id, name, description, price, currency, stock) VALUES
    ('abc', 'Coffee mug', 'Stoneware, 350 ml.', 1250, 'USD', 1000000),
    ('def', 'Tea pot', 'Cast iron, one litre.', 4900, 'USD', 1000000) ON CONFLICT DO NOTHING"""

USERS = f"""
    INSERT INTO users (id, email, password_hash, name)
    SELECT {VARIANT.format(at="now()")}, replace(:email, '{{n}}', n::text), :hash, 'Demo user ' || n
    FROM generate_series(1, :users) AS n ON CONFLICT DO NOTHING"""

PRODUCTS = """
    INSERT INTO products (id, name, price, currency, stock)
    SELECT 'demo-' || n, 'Demo product ' || n, 100 + n * 37 % 9900, 'USD', 1000000000
    FROM generate_series(1, :products) AS n ON CONFLICT DO NOTHING"""

# Order n is of user n modulo users, two or three lines each, one a minute into the past.
# Nothing is done if the demo users have orders.
ORDERS = f"""
    WITH buyers AS (
        SELECT u.id, n FROM generate_series(1, :users) AS n
        JOIN users u ON u.email = replace(:email, '{{n}}', n::text)
        WHERE NOT EXISTS (SELECT FROM orders o JOIN users v ON v.id = o.user_id
                          WHERE v.email = replace(:email, '{{n}}', '1'))
    ), placed AS MATERIALIZED (
        SELECT n, {VARIANT.format(at="at")} AS id, at FROM (
            SELECT n, now() - n * interval '1 minute' AS at FROM generate_series(1, :orders) AS n
        ) AS times
    ), lines AS MATERIALIZED (
        SELECT p.id AS order_id, k AS position, s.id AS product_id, 1 + (p.n + k) % 3 AS quantity,
               s.price AS unit_price
        FROM placed p CROSS JOIN LATERAL generate_series(0, 1 + p.n % 2) AS k
        JOIN products s ON s.id = 'demo-' || (1 + (p.n * 7 + k) % :products)
    ), totals AS (
        SELECT order_id, sum(quantity * unit_price) AS total FROM lines GROUP BY order_id
    ), made AS (
        INSERT INTO orders (id, user_id, status, total, currency, shipping_address, created_at, updated_at)
        SELECT p.id, b.id,
               (ARRAY['pending', 'paid', 'shipped', 'delivered', 'cancelled'])[1 + p.n % 5],
               t.total, 'USD',
               '{{"street": "123 Main St", "city": "San Francisco", "state": "CA", "zip": "94102"}}',
               p.at, p.at
        FROM placed p JOIN totals t ON t.order_id = p.id JOIN buyers b ON b.n = 1 + p.n % :users
        RETURNING id
    )
    INSERT INTO order_items (order_id, position, product_id, quantity, unit_price)
    SELECT l.* FROM lines l JOIN made ON made.id = l.order_id"""
