"""FastAPI target of the benchmark: FastAPI and pydantic on `bench.peer_services`."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from bench import peer_services
from models.orders import Order
from models.users import User

app = FastAPI()


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
    name: str
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


Session = Annotated[AsyncSession, Depends(peer_services.open_session)]
Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


async def current_user(bearer: Bearer, session: Session) -> User:
    return await peer_services.current_user(session, bearer.credentials)


CurrentUser = Annotated[User, Depends(current_user)]


@app.get("/api/health")
async def health() -> Health:
    return Health(status="healthy", timestamp=datetime.now(UTC), version="1.0.0")


@app.get("/api/users/me", response_model=Profile)
async def me(user: CurrentUser) -> User:
    return user


@app.get("/api/orders/{order_id}", response_model=PlacedOrder)
async def get_order(order_id: str, user: CurrentUser, session: Session) -> Order:
    return await peer_services.get_order(session, user, order_id)


@app.get("/api/orders", response_model=OrderPage)
async def list_orders(
    user: CurrentUser, session: Session, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> dict[str, object]:
    orders, next_cursor = await peer_services.list_orders(session, user, limit)
    return {"items": orders, "next_cursor": next_cursor}


@app.post("/api/orders", status_code=201, response_model=PlacedOrder)
async def place_order(
    new: NewOrder,
    request: Request,
    user: CurrentUser,
    session: Session,
    idempotency_key: Annotated[str, Header(max_length=255)],
) -> Response:
    stored = await peer_services.place_order(
        session,
        user,
        idempotency_key,
        await request.body(),
        new.items,
        new.shipping_address.model_dump(),
        serialize,
    )
    return Response(stored.body, stored.status, media_type="application/json")


def serialize(order: Order) -> bytes:
    return PlacedOrder.model_validate(order).model_dump_json().encode()


@app.exception_handler(peer_services.ServiceError)
async def error_response(request: Request, error: peer_services.ServiceError) -> Response:
    return JSONResponse({"detail": str(error)}, error.status)
