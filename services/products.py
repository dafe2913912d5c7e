"""The catalogue."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, bindparam, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.base import table
from models.orders import OrderItem
from models.products import Product
from services import pages
from services.errors import NotFound, PreconditionRequired, Problem
from services.locking import IfMatch, locked, violated

products = table(Product)
ON_SALE = select(products).where(products.c.retired_at.is_(None))
ONE = ON_SALE.where(products.c.id == bindparam("id"))


class ProductExists(Problem):
    status, slug, title = 409, "product-exists", "Product id taken"
    detail = "There is, or was, a product with this id."
    advice = (
        "Choose another id, or leave it out and get one made. The id of a product that was "
        "taken off sale is not free again."
    )


def list_all(session: Session, page: pages.PageRequest) -> pages.Page:
    """What is for sale."""
    return pages.newest_first(session, ON_SALE, page, {})


def get(session: Session, product_id: str) -> Row[Any]:
    """One product that is for sale.

    Raises:
        NotFound: there is none, or it is retired.
    """
    product = session.execute(ONE, {"id": product_id}).one_or_none()
    if product is None:
        raise NotFound
    return product


def create(session: Session, fields: Mapping[str, Any]) -> Product:
    """Put a product on sale.

    Raises:
        ProductExists: its id is taken, perhaps by a retired one.
    """
    product = Product(**fields)
    session.add(product)
    try:
        session.flush()
    except IntegrityError as error:
        if violated(error) == "pk_products":
            raise ProductExists from error
        raise
    return product


def update(
    session: Session, product_id: str, changes: Mapping[str, Any], if_match: IfMatch = None
) -> Product:
    """Change the fields in `changes`; existing orders keep their names and prices.

    Raises:
        NotFound: there is no such product for sale.
        PreconditionFailed: the product has another version than `if_match`.
        PreconditionRequired: a new stock needs `if_match`, because orders change the stock too.
    """
    product = locked(session, _for_sale().where(Product.id == product_id), if_match)
    if "stock" in changes and if_match is None:
        raise PreconditionRequired("Orders change the stock too: send the ETag in If-Match.")
    for name, value in changes.items():
        setattr(product, name, value)
    session.flush()
    return product


def delete(session: Session, product_id: str, if_match: IfMatch = None) -> None:
    """Erase a product; one that was ordered is only retired, because its orders still name it."""
    product = locked(session, _for_sale().where(Product.id == product_id), if_match)
    # Orders lock the product to take its stock, so none can come between this look and the end.
    if session.scalar(select(exists().where(OrderItem.product_id == product_id))):
        product.retired_at = func.now()
    else:
        session.delete(product)
    session.flush()


def _for_sale() -> Select[Product]:
    return select(Product).where(Product.retired_at.is_(None))
