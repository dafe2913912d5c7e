"""Litestar target of the benchmark: Litestar and msgspec on `bench.peer_services`."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.di import Provide
from litestar.exceptions import ValidationException
from litestar.params import Parameter
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from bench import peer_services
from models.orders import Order
from models.users import User

AnyRequest = Request[Any, Any, Any]


class Health(Struct):
    status: str
    timestamp: datetime
    version: str


class Profile(Struct):
    id: str
    email: str
    name: str
    phone: str | None
    role: str
    created_at: datetime


class Address(Struct):
    street: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    state: Annotated[str, Meta(min_length=1, max_length=100)]
    zip: Annotated[str, Meta(min_length=1, max_length=20)]


class NewItem(Struct):
    product_id: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    quantity: Annotated[int, Meta(ge=1, le=10_000)]


class NewOrder(Struct):
    items: Annotated[list[NewItem], Meta(min_length=1, max_length=100)]
    shipping_address: Address


class Item(Struct):
    product_id: str
    name: str
    quantity: int
    unit_price: int


class PlacedOrder(Struct):
    id: str
    user_id: str
    status: str
    items: list[Item]
    total: int
    currency: str
    shipping_address: dict[str, str]
    created_at: datetime
    updated_at: datetime
    history: list[dict[str, str]] = []


class OrderPage(Struct):
    items: list[PlacedOrder]
    next_cursor: str | None


async def current_user(request: AnyRequest, session: AsyncSession) -> User:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return await peer_services.current_user(session, token)


def placed(order: Order) -> PlacedOrder:
    return msgspec.convert(order, PlacedOrder, from_attributes=True)


def serialize(order: Order) -> bytes:
    return msgspec.json.encode(placed(order))


@get("/health")
async def health() -> Health:
    return Health(status="healthy", timestamp=datetime.now(UTC), version="1.0.0")


@get("/users/me")
async def me(user: User) -> Profile:
    return msgspec.convert(user, Profile, from_attributes=True)


@get("/orders/{order_id:str}")
async def get_order(order_id: str, user: User, session: AsyncSession) -> PlacedOrder:
    return placed(await peer_services.get_order(session, user, order_id))


@get("/orders")
async def list_orders(
    user: User, session: AsyncSession, limit: Annotated[int, Parameter(ge=1, le=100)] = 20
) -> OrderPage:
    orders, next_cursor = await peer_services.list_orders(session, user, limit)
    return OrderPage([placed(order) for order in orders], next_cursor)


@post("/orders")
async def place_order(
    data: NewOrder,
    request: AnyRequest,
    user: User,
    session: AsyncSession,
    idempotency_key: Annotated[str, Parameter(header="Idempotency-Key", max_length=255)],
) -> Response[bytes]:
    stored = await peer_services.place_order(
        session,
        user,
        idempotency_key,
        await request.body(),
        data.items,
        msgspec.structs.asdict(data.shipping_address),
        serialize,
    )
    return Response(stored.body, status_code=stored.status, media_type=MediaType.JSON)


def error_response(_: AnyRequest, error: peer_services.ServiceError) -> Response[dict[str, str]]:
    return Response({"detail": str(error)}, status_code=error.status)


def invalid(_: AnyRequest, error: ValidationException) -> Response[dict[str, Any]]:
    """Return a 422, as the service does; the default of Litestar is a 400."""
    return Response({"detail": error.detail, "errors": error.extra}, status_code=422)


app = Litestar(
    path="/api",
    route_handlers=[health, me, get_order, list_orders, place_order],
    dependencies={
        "session": Provide(peer_services.open_session),
        "user": Provide(current_user),
    },
    exception_handlers={
        peer_services.ServiceError: error_response,
        ValidationException: invalid,
    },
)
