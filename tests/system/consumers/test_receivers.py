"""The example receivers of the webhook guide: they accept real deliveries only."""

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from commands.webhooks import body
from models.webhook_deliveries import WebhookDelivery
from services.webhook_deliverer import Deliverer
from services.webhook_signatures import new_secret, sign
from tests.support.servers import BASE, ROOT
from tests.support.waiting import wait_for
from tests.support.webhooks import add_endpoint, add_events, receiving, rules
from tools.embedded import free_port

SCRIPTS, CLIENT = ROOT / "docs" / "consumers", ROOT / "clients" / "typescript"
COMMANDS = {
    "receiver.py": [sys.executable, "-c"],
    # In the folder of the client, which has the package `standardwebhooks`.
    "receiver.ts": ["node", "--input-type=module", "--eval"],
}
SECRET = new_secret()


class Script:
    """A receiver of the guide in its own process."""

    def __init__(self, name: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [*COMMANDS[name], (SCRIPTS / name).read_text()],
            cwd=CLIENT,
            env=BASE | {"WEBHOOK_SECRET": SECRET, "PORT": str(self.port)},
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for(self.listens)

    def listens(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.status({}, b"") == 400
        except httpx.TransportError:
            return False

    def status(self, headers: dict[str, str], content: bytes) -> int:
        url = f"http://127.0.0.1:{self.port}/"
        return httpx.post(url, headers=headers, content=content, timeout=10).status_code


@pytest.fixture(
    scope="module", params=["receiver.py", pytest.param("receiver.ts", marks=pytest.mark.clients)]
)
def script(request):
    if not shutil.which(COMMANDS[request.param][0]):
        pytest.skip("Node is not installed")
    script = Script(request.param)
    yield script
    script.process.kill()
    script.process.communicate()


@pytest.fixture
def deliver(own_engine):
    """Return a function that sends the due deliveries to a receiver."""
    transaction = sessionmaker(own_engine, expire_on_commit=False).begin
    return lambda receiver: Deliverer(transaction, body, rules(receiver)).run(once=True)


@pytest.fixture
def message(own_engine, deliver):
    """Return a function that returns the headers and the body of a real delivery."""

    def send(**secrets):
        with receiving() as receiver:
            add_endpoint(own_engine, receiver.url, **{"secret": SECRET, **secrets})
            add_events(own_engine)
            deliver(receiver)
        headers, content = receiver.messages[-1]
        return {k: v for k, v in headers.items() if k.startswith("webhook-")}, content

    return send


def signed(headers, content, secret=SECRET, age=0):
    """Return the headers with a signature of another secret or time."""
    timestamp = int(time.time()) - age
    signature = sign([secret], headers["webhook-id"], timestamp, content)
    return headers | {"webhook-timestamp": str(timestamp), "webhook-signature": signature}


def test_each_event_is_processed_once(own_engine, deliver, script):
    add_endpoint(own_engine, f"http://127.0.0.1:{script.port}/", secret=SECRET)
    add_events(own_engine, 3)
    for _ in range(2):
        deliver(script)
        with Session(own_engine) as session, session.begin():
            again = {"status": "pending", "next_attempt_at": func.now()}
            statuses = session.scalars(select(WebhookDelivery.status)).all()
            session.execute(update(WebhookDelivery).values(again))
        assert statuses == ["delivered"] * 3

    lines = [script.process.stdout.readline() for _ in range(3)]
    assert sorted(lines) == [f"user.registered user_{n}\n" for n in range(3)]


def test_message_is_accepted_unless_it_is_changed(message, script):
    headers, content = message()
    earlier = str(int(headers["webhook-timestamp"]) - 9)

    assert script.status(headers, content) == 204
    assert script.status(headers, content.replace(b"user", b"order")) == 400
    assert script.status(headers | {"webhook-timestamp": earlier}, content) == 400
    assert script.status(headers | {"webhook-id": "event_1"}, content) == 400


def test_old_message_is_rejected(message, script):
    headers, content = message()

    assert script.status(signed(headers, content, age=60), content) == 204
    assert script.status(signed(headers, content, age=6 * 60), content) == 400


def test_message_with_another_secret_is_rejected(message, script):
    headers, content = message()

    assert script.status(signed(headers, content, new_secret()), content) == 400


def test_previous_secret_is_valid_until_its_expiry(message, script):
    def rotated(hours):
        expiry = datetime.now(UTC) + timedelta(hours=hours)
        return message(
            secret=new_secret(), previous_secret=SECRET, previous_secret_expires_at=expiry
        )

    assert script.status(*rotated(hours=1)) == 204
    assert script.status(*rotated(hours=-1)) == 400
