"""Demo users, products and orders. PostgreSQL generates the orders: 200,000 take seconds."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import table
from models.products import Product
from models.stock import StockReason
from services import demo_products, passwords
from services import stock as ledger
from services.demo_accounts import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD


@dataclass(frozen=True)
class Sizes:
    users: int
    products: int
    orders: int


def load(
    session: Session,
    sizes: Sizes,
    email: str,
    password: str,
    *,
    accounts: bool,
    stock: int | None = None,
) -> Sizes:
    """Insert demo rows up to the totals in `sizes`, and return the numbers of new rows.

    Existing demo rows count and do not change. The products of the documented examples are added.

    Args:
        email: The addresses of the users, with `{n}` for 1, 2, …
        password: The password of all users.
        accounts: Whether to insert the two documented accounts.
        stock: The stock of each new product, such as for load tests; by default a realistic one.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(text(UUID7))
    if accounts:
        _accounts(session)
    _products(session, demo_products.NAMED, stock)
    products = _products(session, demo_products.generated(sizes.products), stock)
    values = asdict(sizes) | {"email": email.lower(), "hash": passwords.hashed(password)}
    users, orders = (
        session.scalars(text(statement), values).one() for statement in (USERS, ORDERS)
    )
    session.execute(text("ANALYZE users, products, stock_changes, orders, order_items"))
    return Sizes(users, products, orders)


def _accounts(session: Session) -> None:
    for email, password, name, role in (
        (USER, USER_PASSWORD, "John Doe", "user"),
        (ADMIN, ADMIN_PASSWORD, "Ada Admin", "admin"),
    ):
        values = {"email": email, "hash": passwords.hashed(password), "name": name, "role": role}
        session.execute(text(ACCOUNT), values)


def _products(session: Session, rows: Iterable[dict[str, Any]], stock: int | None) -> int:
    given = {} if stock is None else {"stock": stock}
    statement = insert(table(Product)).on_conflict_do_nothing().returning(table(Product))
    added = session.execute(statement, [row | given for row in rows]).all()
    ledger.record(session, added, StockReason.CREATED)
    return len(added)


# A UUIDv7 (RFC 9562) for a time in the past, so that ids sort by time of creation: a random UUIDv4
# with the time in its first 48 bits. Two more bits change version 4 to 7.
UUID7 = """
    CREATE OR REPLACE FUNCTION pg_temp.uuid7(at timestamptz) RETURNS uuid LANGUAGE sql AS $$
        SELECT encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid())
            PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3)
            FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
    $$"""

ACCOUNT = """
    INSERT INTO users (id, email, password_hash, name, role)
    VALUES (pg_temp.uuid7(now()), :email, :hash, :name, :role) ON CONFLICT DO NOTHING"""

USERS = """
    WITH made AS (
        INSERT INTO users (id, email, password_hash, name)
        SELECT pg_temp.uuid7(now()), replace(:email, '{n}', n::text), :hash, 'Demo user ' || n
        FROM generate_series(1, :users) AS n ON CONFLICT DO NOTHING RETURNING id
    ) SELECT count(*) FROM made"""

# Each user gets an equal share of the orders; each order has two or three items. There is one order
# per minute, backwards from now. `nth` numbers the orders of a user, `minute` all orders.
ORDERS = """
    WITH buyers AS (
        SELECT u.id, n, :orders / :users + (n <= :orders % :users)::int AS share,
               (SELECT count(*) FROM orders o WHERE o.user_id = u.id) AS present
        FROM generate_series(1, :users) AS n
        JOIN users u ON u.email = replace(:email, '{n}', n::text)
    ), numbered AS (
        SELECT id AS user_id, nth + n AS mix, (nth - 1) * :users + n AS minute
        FROM buyers CROSS JOIN LATERAL generate_series(present + 1, share) AS nth
    ), timed AS (
        SELECT *, now() - minute * interval '1 minute' AS at FROM numbered
    ), placed AS MATERIALIZED (
        SELECT *, pg_temp.uuid7(at) AS id FROM timed
    ), lines AS MATERIALIZED (
        SELECT o.id AS order_id, position, p.id AS product_id, p.name, p.price AS unit_price,
               1 + (minute + position) % 3 AS quantity
        FROM placed o
        CROSS JOIN LATERAL generate_series(0, least(1 + mix % 2, :products - 1)) AS position
        JOIN products p ON p.id = 'demo-' || (1 + (minute * 7 + position) % :products)
    ), totals AS (
        SELECT order_id, sum(quantity * unit_price) AS total FROM lines GROUP BY order_id
    ), made AS (
        INSERT INTO orders
            (id, user_id, status, total, currency, shipping_address, created_at, updated_at)
        SELECT id, user_id,
               (ARRAY['pending', 'paid', 'shipped', 'delivered', 'cancelled'])[1 + mix % 5],
               total, 'USD', jsonb_build_object(
                   'street', '123 Main St', 'city', 'San Francisco', 'state', 'CA', 'zip', '94102'),
               at, at
        FROM placed JOIN totals ON order_id = id
        RETURNING id
    ), filled AS (
        INSERT INTO order_items (order_id, position, product_id, name, quantity, unit_price)
        SELECT order_id, position, product_id, name, quantity, unit_price FROM lines
    )
    SELECT count(*) FROM made"""
