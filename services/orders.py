"""What happens with an order: it is placed, read, moved on, cancelled."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.orders import TRANSITIONS, Order, OrderChange, OrderItem, OrderStatus
from models.users import Scope
from services import pages, stock
from services.errors import Forbidden, InvalidInput, NotFound, TransitionNotAllowed
from services.locking import IfMatch, locked
from services.principals import Principal


def place(
    session: Session,
    principal: Principal,
    items: Sequence[Mapping[str, Any]],
    shipping_address: Mapping[str, str],
) -> Order:
    """Order `items` (`product_id` and `quantity`, each product once) at the prices of this moment.

    Raises:
        InvalidInput: an unknown product, or products in several currencies.
        OutOfStock: a product has too few pieces; then nothing is taken of any.
    """
    products = stock.reserve(session, {item["product_id"]: item["quantity"] for item in items})
    lines = [
        OrderItem(position=position, unit_price=products[item["product_id"]].price, **item)
        for position, item in enumerate(items)
    ]
    order = Order(
        user_id=principal.id,
        status=OrderStatus.PENDING,
        currency=_single_currency([products[line.product_id].currency for line in lines]),
        total=sum(line.quantity * line.unit_price for line in lines),
        shipping_address=dict(shipping_address),
        items=lines,
        history=[],
    )
    session.add(order)
    session.flush()
    return order


def list_visible(
    session: Session, principal: Principal, page: pages.PageRequest, filters: Mapping[str, Any]
) -> pages.Page[Order]:
    """The principal's orders, or everybody's for who manages orders.

    `filters` may have `status`, `created_after` (inclusive) and `created_before` (exclusive).
    """
    statement = _visible(principal)
    if status := filters.get("status"):
        statement = statement.where(Order.status == status)
    if after := filters.get("created_after"):
        statement = statement.where(Order.created_at >= after)
    if before := filters.get("created_before"):
        page = page.from_before(before)
    return pages.newest_first(session, Order, statement, page)


def get(session: Session, principal: Principal, order_id: str) -> Order:
    """One order.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    order = session.scalar(_visible(principal).where(Order.id == order_id))
    if order is None:
        raise NotFound
    return order


def cancel(
    session: Session, principal: Principal, order_id: str, if_match: IfMatch = None
) -> Order:
    """Cancel an order and return its stock, exactly once.

    Raises:
        TransitionNotAllowed: it has been shipped or cancelled already.
    """
    order = locked(session, _visible(principal).where(Order.id == order_id), if_match)
    return _move(session, principal, order, OrderStatus.CANCELLED)


def advance(
    session: Session,
    principal: Principal,
    order_id: str,
    status: OrderStatus,
    if_match: IfMatch = None,
) -> Order:
    """Move an order on to its next status; `cancelled` returns the stock as `cancel` does.

    Raises:
        TransitionNotAllowed: `status` doesn't follow the one that the order has.
    """
    order = locked(session, _visible(principal).where(Order.id == order_id), if_match)
    return _move(session, principal, order, status)


def _move(session: Session, principal: Principal, order: Order, status: OrderStatus) -> Order:
    before = order.status
    needed = TRANSITIONS.get((before, status))
    if needed is None:
        raise TransitionNotAllowed(f"The order is {before}; it can't become {status}.")
    if not principal.may(needed):
        raise Forbidden
    order.status = status
    if status is OrderStatus.CANCELLED:
        stock.release(session, {item.product_id: item.quantity for item in order.items})
    session.flush()  # which makes the order's new version
    order.history.append(
        OrderChange(
            version=order.version, from_status=before, to_status=status, changed_by=principal.id
        )
    )
    session.flush()
    return order


def _visible(principal: Principal) -> Select[Order]:
    """Ownership is part of the query: what is not yours is simply not there."""
    orders = select(Order)
    if principal.may(Scope.ORDERS_MANAGE):
        return orders
    return orders.where(Order.user_id == principal.id)


def _single_currency(currencies: Sequence[str]) -> str:
    others = [f"/items/{i}" for i, currency in enumerate(currencies) if currency != currencies[0]]
    if others:
        raise InvalidInput.at(
            others, f"An order has one currency; this one began in {currencies[0]}."
        )
    return currencies[0]
