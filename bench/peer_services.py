"""Authentication and orders of the FastAPI and Litestar targets: async SQLAlchemy, asyncpg.

The two targets differ only in their web framework. Both call these functions, so they send the same
statements. The functions cover only what `make bench` measures: the first page of a list, and
orders without status changes.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus
from typing import Any, Protocol

import jwt
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload

from models.idempotency import IdempotencyKey
from models.orders import Order, OrderItem
from models.products import Product
from models.sessions import AuthSession
from models.users import User

SECRET_KEY = os.environ["SECRET_KEY"]
URL = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg")

# One connection for each client of the load generator, even if one worker gets all of them. An
# overflow connection would be closed after each use.
engine = create_async_engine(URL, pool_size=16, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class ServiceError(Exception):
    """The request fails with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class NewItem(Protocol):
    """An item of a new order, as each framework validates it."""

    product_id: str
    quantity: int


async def open_session() -> AsyncIterator[AsyncSession]:
    """Yield the session of a request; both frameworks inject it as a dependency."""
    async with sessions() as session:
        yield session


async def current_user(session: AsyncSession, token: str) -> User:
    """Return the active user of an access token whose session is valid.

    Raises:
        ServiceError: 401.
    """
    claims = decode(token)
    user = await session.scalar(
        select(User)
        .join(AuthSession, AuthSession.user_id == User.id)
        .where(
            AuthSession.id == claims["sid"],
            User.id == claims["sub"],
            AuthSession.revoked_at.is_(None),
            AuthSession.expires_at > func.now(),
            User.is_active,
        )
    )
    if user is None:
        raise ServiceError(HTTPStatus.UNAUTHORIZED)
    return user


def decode(token: str) -> dict[str, Any]:
    """Return the claims of an access token.

    Raises:
        ServiceError: 401.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token, SECRET_KEY, algorithms=["HS256"], issuer="flask-api", audience="flask-api"
        )
    except jwt.InvalidTokenError:
        raise ServiceError(HTTPStatus.UNAUTHORIZED) from None
    if claims["type"] != "access":
        raise ServiceError(HTTPStatus.UNAUTHORIZED)
    return claims


async def get_order(session: AsyncSession, user: User, order_id: str) -> Order:
    """Return an order of the user with its items.

    Raises:
        ServiceError: 404.
    """
    query = select(Order).where(Order.id == order_id, Order.user_id == user.id)
    order = await session.scalar(query.options(selectinload(Order.items)))
    if order is None:
        raise ServiceError(HTTPStatus.NOT_FOUND)
    return order


async def list_orders(
    session: AsyncSession, user: User, limit: int
) -> tuple[Sequence[Order], str | None]:
    """Return the newest orders of the user with their items, and the cursor of the next page."""
    query = (
        select(Order)
        .where(Order.user_id == user.id)
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(limit + 1)
        .options(selectinload(Order.items))
    )
    orders = (await session.scalars(query)).all()
    page = orders[:limit]
    return page, page[-1].id if len(orders) > limit else None


async def place_order(
    session: AsyncSession,
    user: User,
    key: str,
    body: bytes,
    items: Sequence[NewItem],
    shipping_address: dict[str, Any],
    serialize: Callable[[Order], bytes],
) -> IdempotencyKey:
    """Place an order in one transaction, or find the response of the first request with this key.

    Args:
        body: The request body, whose hash is stored with the key.
        serialize: Returns the response body, which is stored with the key.

    Raises:
        ServiceError: 409 if the stock is too low, 422 for an unknown product or a reused key.
    """
    fingerprint = hashlib.sha256(body).digest()
    stored = await insert_key(session, user, key, fingerprint)
    if stored is None:
        return await find_response(session, user, key, fingerprint)
    order = Order(user_id=user.id, shipping_address=shipping_address)
    await add_items(session, order, items)
    session.add(order)
    await session.flush()
    stored.status = HTTPStatus.CREATED
    stored.body = serialize(order)
    await session.commit()
    return stored


async def insert_key(
    session: AsyncSession, user: User, key: str, fingerprint: bytes
) -> IdempotencyKey | None:
    """Insert the key, or return None if it exists; a concurrent duplicate waits here."""
    values = {"user_id": user.id, "key": key, "fingerprint": fingerprint}
    statement = insert(IdempotencyKey).values(values).on_conflict_do_nothing()
    return await session.scalar(statement.returning(IdempotencyKey))


async def find_response(
    session: AsyncSession, user: User, key: str, fingerprint: bytes
) -> IdempotencyKey:
    """Return the stored response of the first request with this key.

    Raises:
        ServiceError: 422 if that request had another body.
    """
    stored = await session.get_one(IdempotencyKey, (user.id, key))
    if stored.fingerprint != fingerprint:
        raise ServiceError(HTTPStatus.UNPROCESSABLE_ENTITY)
    return stored


async def add_items(session: AsyncSession, order: Order, items: Sequence[NewItem]) -> None:
    """Add the items to the order at current prices, and take them from stock."""
    products = await lock_products(session, [item.product_id for item in items])
    for item in items:
        product = products[item.product_id]
        if product.stock < item.quantity:
            raise ServiceError(HTTPStatus.CONFLICT)
        product.stock -= item.quantity
    order.currency = next(iter(products.values())).currency
    order.total = sum(products[item.product_id].price * item.quantity for item in items)
    order.items = [
        OrderItem(
            position=i,
            product_id=item.product_id,
            name=products[item.product_id].name,
            quantity=item.quantity,
            unit_price=products[item.product_id].price,
        )
        for i, item in enumerate(items)
    ]


async def lock_products(session: AsyncSession, ids: Sequence[str]) -> dict[str, Product]:
    """Return the products, locked in the order of their ids to avoid deadlocks.

    Raises:
        ServiceError: 422 for an unknown or repeated product, or for two currencies.
    """
    query = select(Product).where(Product.id.in_(ids), Product.retired_at.is_(None))
    found = await session.scalars(query.order_by(Product.id).with_for_update())
    products = {product.id: product for product in found}
    if len(products) < len(ids) or len({each.currency for each in products.values()}) > 1:
        raise ServiceError(HTTPStatus.UNPROCESSABLE_ENTITY)
    return products
