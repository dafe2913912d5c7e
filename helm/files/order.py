"""`helm test`: register, place an order, and retry it with the same `Idempotency-Key`.

The argument is the base URL of the service. The test deletes its data, because it may run in
production.
"""

import json
import secrets
import sys
from typing import Any
from urllib.request import Request, urlopen

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import create_app
from app.db.database import database
from app.settings import Settings
from models.orders import Order
from models.products import Product
from models.users import User
from services import products

NAME = f"helm-test-{secrets.token_hex(8)}"
EMAIL = f"{NAME}@example.com"
STOCK, QUANTITY = 5, 2
ADDRESS = {"street": "123 Main St", "city": "San Francisco", "state": "CA", "zip": "94102"}


def main(url: str) -> None:
    settings = Settings.load()
    with create_app(settings).app_context():
        try:
            with database.transaction() as session:
                products.create(session, None, product())
            order_twice(url, host(settings))
            with database.transaction() as session:
                left = session.scalars(select(Product.stock).where(Product.id == NAME)).one()
            assert left == STOCK - QUANTITY, f"the stock decreased by {STOCK - left}"
        finally:
            with database.transaction() as session:
                erase(session)
    print("Registered, ordered and replayed.")


def product() -> dict[str, Any]:
    return {"id": NAME, "name": NAME, "price": 1, "currency": "USD", "stock": STOCK}


def host(settings: Settings) -> str:
    """Return a host name of ALLOWED_HOSTS, which may not include the name of the Service."""
    name = next(iter(settings.allowed_hosts), "localhost")
    return f"helm-test{name}" if name.startswith(".") else name


def order_twice(url: str, host: str) -> None:
    account = {"email": EMAIL, "password": secrets.token_urlsafe(24)}
    headers = {"Host": host, "Content-Type": "application/json"}
    post(f"{url}/auth/register", account | {"name": "helm test"}, headers)
    token = post(f"{url}/auth/login", account, headers)[0]["access_token"]
    headers |= {"Authorization": f"Bearer {token}", "Idempotency-Key": NAME}
    wanted = {
        "items": [{"product_id": NAME, "quantity": QUANTITY}],
        "shipping_address": ADDRESS,
    }
    first, _ = post(f"{url}/orders", wanted, headers)
    again, replayed = post(f"{url}/orders", wanted, headers)
    assert again == first, f"another order: {again}"
    assert replayed, "the second response is not a replay"


def post(url: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[Any, bool]:
    """Return the body of the response, and whether it is a replay.

    Raises:
        HTTPError: the status is 400 or more.
    """
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    with urlopen(request, timeout=30) as response:  # noqa: S310
        return json.load(response), response.headers.get("Idempotency-Replayed") == "true"


def erase(session: Session) -> None:
    mine = select(User.id).where(User.email == EMAIL).scalar_subquery()
    session.execute(delete(Order).where(Order.user_id == mine))
    session.execute(delete(User).where(User.email == EMAIL))
    session.execute(delete(Product).where(Product.id == NAME))


if __name__ == "__main__":
    main(sys.argv[1])
