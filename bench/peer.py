"""The peer of the comparison: the contract by FastAPI, pydantic and SQLAlchemy's async ORM.

The tables are those of `models`. It serves what is measured and no more: the first page of a list,
orders that nobody changes.
"""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
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

app = FastAPI()
# One for each client, if all come to one process: what overflows a pool is closed after each use.
engine = create_async_engine(URL, pool_size=16, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Health(BaseModel):
    status: str
    timestamp: datetime
    version: str


class Profile(Row):
    id: str
    email: str
    name: str
    phone: str | None
    role: str
    created_at: datetime


class Address(BaseModel):
    street: str = Field(min_length=1, max_length=200)
    city: str = Field(min_length=1, max_length=100)
    state: str = Field(min_length=1, max_length=100)
    zip: str = Field(min_length=1, max_length=20)


class NewItem(BaseModel):
    product_id: str = Field(pattern="^[A-Za-z0-9_-]{1,64}$")
    quantity: int = Field(ge=1, le=10_000)


class NewOrder(BaseModel):
    items: list[NewItem] = Field(min_length=1, max_length=100)
    shipping_address: Address


class Item(Row):
    product_id: str
    quantity: int
    unit_price: int


class PlacedOrder(Row):
    id: str
    user_id: str
    status: str
    items: list[Item]
    total: int
    currency: str
    shipping_address: dict[str, str]
    history: list[dict[str, str]] = []
    created_at: datetime
    updated_at: datetime


class OrderPage(BaseModel):
    items: list[PlacedOrder]
    next_cursor: str | None


async def transaction() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Transaction = Annotated[AsyncSession, Depends(transaction)]
Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


async def signed_in(bearer: Bearer, session: Transaction) -> User:
    """The active user whose session the token names."""
    claims: dict[str, Any] = {}
    with suppress(jwt.InvalidTokenError):
        claims = jwt.decode(
            bearer.credentials,
            SECRET_KEY,
            algorithms=["HS256"],
            issuer="flask-api",
            audience="flask-api",
        )
    user = await find_user(session, claims) if claims.get("type") == "access" else None
    if user is None:
        raise HTTPException(401)
    return user


async def find_user(session: AsyncSession, claims: dict[str, Any]) -> User | None:
    return await session.scalar(
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


Me = Annotated[User, Depends(signed_in)]


@app.get("/api/health")
async def health() -> Health:
    return Health(status="healthy", timestamp=datetime.now(UTC), version="1.0.0")


@app.get("/api/users/me", response_model=Profile)
async def me(user: Me) -> User:
    return user


@app.get("/api/orders/{order_id}", response_model=PlacedOrder)
async def get_order(order_id: str, user: Me, session: Transaction) -> Order:
    mine = select(Order).where(Order.id == order_id, Order.user_id == user.id)
    order = await session.scalar(mine.options(selectinload(Order.items)))
    if order is None:
        raise HTTPException(404)
    return order


@app.get("/api/orders", response_model=OrderPage)
async def list_orders(
    user: Me, session: Transaction, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> dict[str, Any]:
    newest = (
        select(Order)
        .where(Order.user_id == user.id)
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(limit + 1)
        .options(selectinload(Order.items))
    )
    found = (await session.scalars(newest)).all()
    items = found[:limit]
    return {"items": items, "next_cursor": items[-1].id if len(found) > limit else None}


@app.post("/api/orders", status_code=201, response_model=PlacedOrder)
async def place_order(
    new: NewOrder,
    request: Request,
    user: Me,
    session: Transaction,
    idempotency_key: Annotated[str, Header(max_length=255)],
) -> Response:
    fingerprint = hashlib.sha256(await request.body()).digest()
    claimed = await claim(session, user, idempotency_key, fingerprint)
    if claimed is None:
        return await replayed(session, user, idempotency_key, fingerprint)
    order = Order(user_id=user.id, shipping_address=new.shipping_address.model_dump())
    await fill(session, order, new.items)
    session.add(order)
    await session.flush()
    claimed.status = 201
    claimed.body = PlacedOrder.model_validate(order).model_dump_json().encode()
    await session.commit()
    return answer(claimed)


async def claim(
    session: AsyncSession, user: User, key: str, fingerprint: bytes
) -> IdempotencyKey | None:
    """Take the key, unless it is taken; of two at once, the second waits for the first."""
    values = {"user_id": user.id, "key": key, "fingerprint": fingerprint}
    taking = insert(IdempotencyKey).values(values).on_conflict_do_nothing()
    return await session.scalar(taking.returning(IdempotencyKey))


async def replayed(session: AsyncSession, user: User, key: str, fingerprint: bytes) -> Response:
    kept = await session.get_one(IdempotencyKey, (user.id, key))
    if kept.fingerprint != fingerprint:
        raise HTTPException(422)
    return answer(kept)


def answer(kept: IdempotencyKey) -> Response:
    return Response(kept.body, kept.status, media_type="application/json")


async def fill(session: AsyncSession, order: Order, items: Sequence[NewItem]) -> None:
    """Take the items from stock, at the prices of this moment."""
    products = await lock(session, [item.product_id for item in items])
    for item in items:
        product = products[item.product_id]
        if product.stock < item.quantity:
            raise HTTPException(409)
        product.stock -= item.quantity
    order.currency = next(iter(products.values())).currency
    order.total = sum(products[item.product_id].price * item.quantity for item in items)
    order.items = [
        OrderItem(position=i, unit_price=products[item.product_id].price, **item.model_dump())
        for i, item in enumerate(items)
    ]


async def lock(session: AsyncSession, ids: Sequence[str]) -> dict[str, Product]:
    """The products, locked in the order of their ids: who locks alike can't deadlock."""
    wanted = select(Product).where(Product.id.in_(ids), Product.retired_at.is_(None))
    found = await session.scalars(wanted.order_by(Product.id).with_for_update())
    products = {product.id: product for product in found}
    if len(products) < len(ids) or len({each.currency for each in products.values()}) > 1:
        raise HTTPException(422)
    return products
