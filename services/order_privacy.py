"""Orders in the export and the erasure of a person's data."""

from collections.abc import Iterator
from typing import ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.base import table
from models.orders import TRANSITIONS, Order, OrderStatus
from services import pages
from services.errors import Problem
from services.order_statements import OrderRow, reading

# An order that can be cancelled is not shipped yet.
OPEN = [before for before, after in TRANSITIONS if after is OrderStatus.CANCELLED]
MAX_SHOWN = 100
# Not empty, because each response must have these fields with a value.
ERASED_ADDRESS = dict.fromkeys(("street", "city", "state", "zip"), "erased")
orders = table(Order)


class OpenOrders(Problem):
    """Lists the ids of the open orders in `orders`, at most 100."""

    status, slug, title = 409, "open-orders", "Open orders"
    detail = "The user has orders that are not shipped yet, which need the shipping address."
    advice = (
        "Cancel the orders in `orders`, or wait until they are shipped. Then retry the request."
    )
    example: ClassVar = {"orders": ["order_01kj6zv8m4f5tbq0c9xn2hd7ea"]}


def export(session: Session, user_id: str) -> Iterator[OrderRow]:
    """Yield all orders of a user, newest first."""
    return pages.read_all(session, reading("user_id"), {"user_id": user_id})


def erase(session: Session, user_id: str) -> None:
    """Erase the addresses and the metadata of the orders of a locked user.

    Raises:
        OpenOrders: an order is not shipped yet.
    """
    mine = orders.c.user_id == user_id
    still_open = select(orders.c.id).where(mine, orders.c.status.in_(OPEN)).order_by(orders.c.id)
    if open_ids := session.scalars(still_open.limit(MAX_SHOWN)).all():
        raise OpenOrders(orders=list(open_ids))
    erased = {"shipping_address": ERASED_ADDRESS, "metadata": {}}
    session.execute(update(orders).where(mine).values(**erased, version=orders.c.version + 1))
