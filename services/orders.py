"""Orders: place, read, change the status, cancel."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events import EVENT_ID, EventType
from models.orders import (
    MAX_METADATA,
    ORDER_ID,
    TRANSITIONS,
    Order,
    OrderChange,
    OrderStatus,
)
from models.stock import StockReason
from models.users import Scope
from services import events, pages, stock
from services.errors import Forbidden, InvalidInput, NotFound, Problem
from services.locking import IfMatch, locked
from services.order_statements import PLACE_ORDER, OrderRow, reading, reading_of_product
from services.principals import Principal, actor_of

# Maximum difference between the clocks of a process and of the database (seconds).
MAX_CLOCK_SKEW = 3600
BY_ID = pages.Sort(("id",))


class OutOfStock(Problem):
    """Lists in `products` the `product_id`, `requested` and `available` of each shortage."""

    status, slug, title = 409, "out-of-stock", "Out of stock"
    detail = "There is not enough stock; nothing was ordered."
    advice = (
        "`products` lists the requested and the available quantity of each product. Order less, "
        "or retry later. You can reuse the Idempotency-Key, because errors are not stored."
    )
    example: ClassVar = {"products": [{"product_id": "abc", "requested": 2, "available": 1}]}


class TransitionNotAllowed(Problem):
    status, slug, title = 409, "transition-not-allowed", "Transition not allowed"
    detail = "The order cannot change from its current status to this one."
    advice = (
        "Read the order to see its status. The status changes from pending to paid, shipped and "
        "delivered. An order can be cancelled until it is shipped."
    )


def place(
    session: Session,
    principal: Principal,
    items: Sequence[Mapping[str, Any]],
    shipping_address: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
) -> OrderRow:
    """Order `items` (`product_id` and `quantity`, each product once) at the current prices.

    Raises:
        InvalidInput: a product is unknown, or the products have different currencies.
        OutOfStock: a product has too little stock; the stock of all products stays the same.
    """
    order_id, actor = ORDER_ID.new(), actor_of(principal)
    order = session.execute(
        PLACE_ORDER,
        {
            "id": order_id,
            "user_id": principal.id,
            "api_key_id": principal.api_key_id,
            "event_id": EVENT_ID.new(),
            "resource_id": order_id,
            "actor_id": actor.id,
            "request_id": actor.request_id,
            "product_ids": [item["product_id"] for item in items],
            "quantities": [item["quantity"] for item in items],
            "shipping_address": shipping_address,
            "metadata": _merged({}, metadata or {}),
        },
    ).one()
    if order.id is None:
        raise _placement_error(items, order.found or {})
    stock.record_low(session, order.low or (), principal)
    return order


def list_visible(
    session: Session, principal: Principal, page: pages.PageRequest, filters: Mapping[str, Any]
) -> pages.Page:
    """Return a page of the caller's orders; with the scope `orders:manage`, of all orders.

    `filters` may have `status`, `product_id`, `created_after` (inclusive) and `created_before`
    (exclusive).
    """
    values = {**_visible(principal), **filters}
    if "product_id" in values and "user_id" not in values:
        return _list_of_product(session, page, values)
    if before := values.pop("created_before", None):
        page = page.from_before(before)
    return pages.read_page(session, reading(*values), page, values)


def _list_of_product(
    session: Session, page: pages.PageRequest, values: dict[str, Any]
) -> pages.Page:
    """Return a page of all orders of a product, sorted by id.

    An id contains the time of the clock of the process. `created_at` is the time of the clock of
    the database. The two clocks can differ, so the query scans a range of ids that is one hour
    longer at each end, then filters exactly by `created_at`.
    """
    if after := values.get("created_after"):
        values["first_id"] = ORDER_ID.at(after.timestamp() - MAX_CLOCK_SKEW)
    if before := values.get("created_before"):
        values["last_id"] = ORDER_ID.at(before.timestamp() + MAX_CLOCK_SKEW)
    return pages.read_page(session, reading_of_product(*values), page, values, BY_ID)


def get(session: Session, principal: Principal, order_id: str) -> OrderRow:
    """Return an order.

    Raises:
        NotFound: the order does not exist, or belongs to another user.
    """
    values = _visible(principal) | {"id": order_id}
    order = session.execute(reading(*values), values).one_or_none()
    if order is None:
        raise NotFound
    return order


def cancel(
    session: Session, principal: Principal, order_id: str, if_match: IfMatch = None
) -> OrderRow:
    """Cancel an order and put its units back into stock.

    Raises:
        TransitionNotAllowed: the order has already been shipped or cancelled.
    """
    order = _locked(session, principal, order_id, if_match)
    _advance(session, principal, order, OrderStatus.CANCELLED)
    session.flush()
    return get(session, principal, order_id)


def update(
    session: Session,
    principal: Principal,
    order_id: str,
    changes: Mapping[str, Any],
    if_match: IfMatch = None,
) -> OrderRow:
    """Change the `metadata` of an order, and with the scope `orders:manage` its `status`.

    Raises:
        Forbidden: the caller may not change the status.
        TransitionNotAllowed: the current status cannot change to the new one.
        InvalidInput: the order would have too many metadata pairs.
    """
    if "status" in changes and not principal.may(Scope.ORDERS_MANAGE):
        raise Forbidden
    order = _locked(session, principal, order_id, if_match)
    if "metadata" in changes:
        order.pairs = _merged(order.pairs, changes["metadata"])
    if "status" in changes:
        _advance(session, principal, order, OrderStatus(changes["status"]))
    session.flush()
    return get(session, principal, order_id)


def _locked(session: Session, principal: Principal, order_id: str, if_match: IfMatch) -> Order:
    return locked(session, select(Order).filter_by(**_visible(principal), id=order_id), if_match)


def _merged(pairs: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the metadata after the changes; a null or empty value deletes its key."""
    merged = {key: value for key, value in {**pairs, **changes}.items() if value}
    if len(merged) > MAX_METADATA:
        raise InvalidInput.at(["/metadata"], f"An order has at most {MAX_METADATA} keys.")
    return merged


def _advance(session: Session, principal: Principal, order: Order, status: OrderStatus) -> None:
    """Change the status of a locked order; `cancelled` puts the units back."""
    before = order.status
    order.status = _allowed(principal, before, status)
    if status is OrderStatus.CANCELLED:
        units = {item.product_id: item.quantity for item in order.items}
        stock.add(session, units, StockReason.CANCELLATION, order.id, principal)
    session.flush()  # increments the version of the order
    session.add(
        OrderChange(
            order_id=order.id,
            version=order.version,
            from_status=before,
            to_status=status,
            changed_by=principal.id,
            changed_by_api_key=principal.api_key_id,
        )
    )
    event = EventType(f"order.{status}")
    events.record(session, event, order.id, order.version, actor_of(principal), status=status)


def _allowed(principal: Principal, before: OrderStatus, after: OrderStatus) -> OrderStatus:
    needed = TRANSITIONS.get((before, after))
    if needed is None:
        raise TransitionNotAllowed(f"The order is {before}; it cannot become {after}.")
    if not principal.may(needed):
        raise Forbidden
    return after


def _visible(principal: Principal) -> dict[str, str]:
    """Return the filter by owner, so that queries do not find orders of other users."""
    return {} if principal.may(Scope.ORDERS_MANAGE) else {"user_id": principal.id}


def _placement_error(items: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> Problem:
    """Return the error if no order was placed; `found` has the wanted products on sale."""
    unknown = [i for i, item in enumerate(items) if item["product_id"] not in found]
    if unknown:
        pointers = [f"/items/{i}/product_id" for i in unknown]
        return InvalidInput.at(pointers, "There is no such product.")
    short = [
        {"product_id": key, "requested": item["quantity"], "available": found[key]["stock"]}
        for item in items
        if found[key := item["product_id"]]["stock"] < item["quantity"]
    ]
    if short:
        return OutOfStock(products=short)
    return _several_currencies([found[item["product_id"]]["currency"] for item in items])


def _several_currencies(currencies: Sequence[str]) -> Problem:
    others = [f"/items/{i}" for i, currency in enumerate(currencies) if currency != currencies[0]]
    return InvalidInput.at(others, f"Must be in the currency of the first item: {currencies[0]}.")
