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
from services import demo_products, demo_users
from services import stock as ledger


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

    Existing demo rows count towards the totals and do not change. The two products of the
    documented examples are always added.

    Args:
        email: The addresses of the users, with `{n}` for 1, 2, …
        password: The password of all users.
        accounts: Whether to insert the two documented accounts.
        stock: The stock of each new product, for load tests; None for realistic numbers.
    """
    users = demo_users.load(session, sizes.users, email, password, accounts=accounts)
    _products(session, demo_products.NAMED, stock)
    products = _products(session, demo_products.generated(sizes.products), stock)
    orders: int = session.scalars(text(ORDERS), asdict(sizes) | {"email": email.lower()}).one()
    session.execute(text("ANALYZE products, stock_changes, orders, order_items"))
    return Sizes(users, products, orders)


def _products(session: Session, rows: Iterable[dict[str, Any]], stock: int | None) -> int:
    given = {} if stock is None else {"stock": stock}
    statement = insert(table(Product)).on_conflict_do_nothing().returning(table(Product))
    added = session.execute(statement, [row | given for row in rows]).all()
    ledger.record(session, added, StockReason.CREATED)
    return len(added)


# Each user gets an equal share of the orders; each order has up to three items. There is one order
# per minute, backwards from now. `nth` numbers the orders of a user; `minute` numbers all orders.
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
