"""Erasures that run at the same time as a request to the service."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models.users import Role
from services import erasure
from services.principals import Principal
from tests.support.factories import PASSWORD
from tests.support.personal_data import ACCOUNT
from tests.support.servers import Server
from tests.support.waiting import wait_for

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock'"
)


class Person:
    """A signed-in user of the service with recognizable data."""

    def __init__(self, server: Server) -> None:
        self.marker = f"ada-{uuid4().hex}"
        self.account = ACCOUNT | {"email": f"{self.marker}@example.com", "name": self.marker}
        self.credentials = {"email": self.account["email"], "password": PASSWORD}
        self.client = httpx.Client(base_url=server.url, timeout=30)
        self.client.headers["User-Agent"] = self.marker
        registered = self.client.post("/api/auth/register", json=self.account)
        self.principal = Principal(registered.json()["id"], None, Role.USER, request_id="0")
        self.tokens = self.login().json()
        self.client.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"

    def close(self) -> None:
        self.client.close()

    def login(self) -> httpx.Response:
        return self.client.post("/api/auth/login", json=self.credentials)

    def refresh(self) -> httpx.Response:
        body = {"refresh_token": self.tokens["refresh_token"]}
        return self.client.post("/api/auth/refresh", json=body)

    def rename(self) -> httpx.Response:
        return self.client.patch("/api/users/me", json={"name": self.marker})

    def create_key(self) -> httpx.Response:
        body = {"name": self.marker, "scopes": ["profile"]}
        return self.client.post("/api/api-keys", json=body)

    def erase(self) -> httpx.Response:
        return self.client.delete("/api/users/me")


def during_erasure(
    engine: Engine, person: Person, call: Callable[[], httpx.Response]
) -> httpx.Response:
    """Call the service before an erasure is committed, commit it, and return the response."""
    with Session(engine) as session, started(call, engine, session, person) as response:
        session.commit()
        return response.result(30)


@contextmanager
def started(
    call: Callable[[], httpx.Response], engine: Engine, session: Session, person: Person
) -> Iterator[Future[httpx.Response]]:
    """Erase the person, and yield the result of the call, which waits for the transaction."""
    erasure.erase(session, person.principal, person.principal.id)
    with ThreadPoolExecutor(1) as thread:
        response = thread.submit(call)
        wait_for_lock(engine)
        yield response


def wait_for_lock(engine: Engine) -> None:
    """Wait until a request waits for a lock."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_for(lambda: connection.execute(WAITING).scalar_one())
