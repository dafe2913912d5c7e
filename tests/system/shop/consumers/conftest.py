"""Fixtures for both clients: the service, and a network that loses responses."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models.orders import Order
from models.products import Product
from models.users import User
from tests.support.factories import PASSWORD
from tests.support.servers import SECRET_KEY, Server, served
from tests.system.shop.consumers.losing import losing_proxy


@dataclass(frozen=True)
class Shop:
    """The service and its database."""

    server: Server
    database: Engine

    def account(self) -> str:
        """Register an account with the password `PASSWORD`, and return its email address."""
        email = f"{uuid4().hex}@example.com"
        response = self._post("register", email)
        assert response.status_code == 201, response.text
        return email

    def verified_account(self) -> str:
        """Register an account with a verified address."""
        email = self.account()
        self.server.flask("users", "verify-email", email)
        return email

    def expired_tokens(self, email: str) -> dict[str, Any]:
        """Return the tokens of a new session, with an access token that expired a minute ago."""
        tokens = self._post("login", email).json()
        claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
        claims["exp"] = int(time.time()) - 60
        return tokens | {"access_token": jwt.encode(claims, SECRET_KEY, "HS256")}

    def orders(self, email: str) -> int:
        """Return the number of orders of the account in the database."""
        mine = select(func.count()).select_from(Order).join(User, Order.user_id == User.id)
        with self.database.connect() as connection:
            return connection.scalar(mine.where(User.email == email))

    def _post(self, what: str, email: str) -> httpx.Response:
        account = {"email": email, "password": PASSWORD}
        return httpx.post(f"{self.server.url}/api/auth/{what}", json=account)


@pytest.fixture(scope="session")
def shop(server) -> Iterator[Shop]:
    url = make_url(server.environment["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
    database = create_engine(url)
    with Session(database) as session:
        session.add(Product(id="sold-out", name="Mug", price=100, currency="USD", stock=0))
        session.commit()
    yield Shop(server, database)
    database.dispose()


@pytest.fixture(scope="session")
def losing_url(server) -> Iterator[str]:
    """Return the URL of a proxy that loses the first response to each order."""
    with losing_proxy(server.url) as url:
        yield url


@pytest.fixture(scope="session")
def busy_url(server, redis_url) -> Iterator[str]:
    """Return the URL of a service with a low rate limit."""
    limit = {"RATE_LIMIT_DEFAULT": "3 per 2 seconds"}
    with served(server.environment["DATABASE_URL"], REDIS_URL=redis_url, **limit) as server:
        yield server.url
