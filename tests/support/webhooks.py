"""A receiver of webhooks, and events to deliver to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from threading import Thread
from typing import Any

import orjson
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from models.events import Event, EventType
from models.users import Role
from models.webhook_endpoints import WebhookEndpoint
from services import events
from services.events import FINISHED
from services.principals import Actor, Principal
from services.webhook_addresses import AddressRules
from services.webhook_signatures import new_secret
from tests.support.http_servers import BurstServer
from tests.support.waiting import wait_for

URL = "/api/webhook-endpoints"
ADMIN = Principal("user_1", None, Role.ADMIN)
LOOPBACK = (ip_network("127.0.0.0/8"),)
Respond = Callable[["Receiver"], tuple[int, dict[str, str]]]


class Receiver:
    """An HTTP server on a free port of the loopback interface; it stores all messages.

    `respond` returns the status and the headers of a response.
    """

    def __init__(self, respond: Respond = lambda _: (204, {})) -> None:
        self.respond = respond
        self.messages: list[tuple[dict[str, str], bytes]] = []
        self.server = BurstServer(("127.0.0.1", 0), partial(Handler, self))
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.messages]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.messages]


class Handler(BaseHTTPRequestHandler):
    def __init__(self, receiver: Receiver, *args: Any) -> None:
        self.receiver = receiver
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.receiver.messages.append(({k.lower(): v for k, v in self.headers.items()}, body))
        status, headers = self.receiver.respond(self.receiver)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def receiving(respond: Respond = lambda _: (204, {})) -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    receiver = Receiver(respond)
    thread = Thread(target=receiver.server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


def rules(*receivers: Receiver) -> AddressRules:
    """Return the rules that allow only these receivers."""
    return AddressRules(False, frozenset(each.port for each in receivers), LOOPBACK)


def add_endpoint(engine: Engine, url: str, **fields: Any) -> WebhookEndpoint:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        endpoint = WebhookEndpoint(url=url, **{"secret": new_secret(), **fields})
        session.add(endpoint)
        session.flush()
    return endpoint


def record_events(session: Session, count: int = 1, **fields: Any) -> None:
    """Record events of users that do not exist."""
    kind = fields.get("type", EventType.USER_REGISTERED)
    made = [events.values(kind, f"user_{n}", 1, Actor()) for n in range(count)]
    events.record_all(session, made)


def add_events(engine: Engine, count: int = 1, **fields: Any) -> None:
    """Commit events, and wait until they can be read."""
    with Session(engine) as session, session.begin():
        record_events(session, count, **fields)
    wait_until_finished(engine)


def wait_until_finished(engine: Engine) -> None:
    """Wait for the end of older transactions, also those of parallel tests in other databases."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        every = select(func.count()).select_from(Event)
        wait_for(lambda: connection.scalar(every) == connection.scalar(every.where(FINISHED)), 60)
