"""Product catalogue."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.base import table
from models.events import EventType
from models.orders import OrderItem
from models.products import Product
from models.stock import StockReason
from services import events, stock
from services.errors import NotFound, Problem
from services.locking import IfMatch, locked, violated_constraint
from services.principals import Principal, actor_of
from services.product_search import ON_SALE

ONE = ON_SALE.where(table(Product).c.id == bindparam("id"))


class PreconditionRequired(Problem):
    """A change without `If-Match` (RFC 6585, section 3)."""

    status, slug, title = 428, "precondition-required", "Precondition required"
    detail = "Without If-Match, this change could overwrite a newer one."
    advice = "Read the resource, and send its `ETag` in `If-Match` with the change."


class ProductExists(Problem):
    status, slug, title = 409, "product-exists", "Product id taken"
    detail = "A product with this id exists, or was taken off sale."
    advice = (
        "Choose another id, or omit it to get a generated one. The id of a product that was "
        "ordered stays in use after the product was taken off sale."
    )


def get(session: Session, product_id: str) -> Row[Any]:
    """Return a product on sale.

    Raises:
        NotFound: the product does not exist, or is retired.
    """
    product = session.execute(ONE, {"id": product_id}).one_or_none()
    if product is None:
        raise NotFound
    return product


def create(session: Session, principal: Principal | None, fields: Mapping[str, Any]) -> Product:
    """Create a product; the principal is None for a command.

    Raises:
        ProductExists: the id is in use, possibly by a retired product.
    """
    product = Product(**fields)
    session.add(product)
    try:
        session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "pk_products":
            raise ProductExists from error
        raise
    stock.record(session, [product], StockReason.CREATED, principal)
    _record(session, EventType.PRODUCT_CREATED, product, principal)
    return product


def update(
    session: Session,
    principal: Principal,
    product_id: str,
    changes: Mapping[str, Any],
    if_match: IfMatch = None,
) -> Product:
    """Change the fields in `changes`; existing orders keep the old name and price.

    Raises:
        NotFound: the product does not exist, or is retired.
        PreconditionFailed: the product has another version than `if_match`.
        PreconditionRequired: `stock` needs `if_match`, because orders change the stock too.
    """
    product = locked(session, _for_sale().where(Product.id == product_id), if_match)
    if "stock" in changes and if_match is None:
        raise PreconditionRequired("Orders change the stock too: send the ETag in If-Match.")
    before, version = product.stock, product.version
    for name, value in changes.items():
        setattr(product, name, value)
    session.flush()
    if product.version != version:
        _record(session, EventType.PRODUCT_UPDATED, product, principal)
    stock.record(session, [product], StockReason.COUNT, principal, before)
    return product


def delete(
    session: Session, principal: Principal, product_id: str, if_match: IfMatch = None
) -> None:
    """Delete a product, or retire it if an order refers to it."""
    product = locked(session, _for_sale().where(Product.id == product_id), if_match)
    # A new order must lock the product, so no order is placed between this check and the commit.
    if session.scalar(select(exists().where(OrderItem.product_id == product_id))):
        product.retired_at = func.now()
    else:
        session.delete(product)
    version = product.version + 1  # explicit, because a deleted product gets no new version
    actor = actor_of(principal)
    events.record(session, EventType.PRODUCT_RETIRED, product_id, version, actor)
    session.flush()


def _record(
    session: Session, event: EventType, product: Product, principal: Principal | None
) -> None:
    events.record(session, event, product.id, product.version, actor_of(principal))


def _for_sale() -> Select[Product]:
    return select(Product).where(Product.retired_at.is_(None))
