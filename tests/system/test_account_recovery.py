"""Password reset and mails, with separate processes for the service and the mail sender."""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models.account_tokens import TokenPurpose
from models.mails import Mail
from models.users import User
from services import account_tokens, mails
from tests.support.factories import PASSWORD
from tests.support.servers import ROOT, environment, served
from tests.support.smtp_servers import Mailbox, smtp_server, token_of
from tests.support.waiting import wait_for

NEW = "another horse battery staple"


@pytest.fixture(scope="module")
def service(new_database, migrated_url):
    """Run the service with its own database, which waits for the disk as in production."""
    with served(new_database(make_url(migrated_url).database)) as server:
        yield server


@pytest.fixture
def engine(service):
    engine = create_engine(
        make_url(service.environment["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
    )
    yield engine
    engine.dispose()


@pytest.fixture
def client(service):
    with httpx.Client(base_url=service.url, timeout=60) as client:
        yield client


def register(client):
    email = f"{uuid4().hex}@example.com"
    body = {"email": email, "password": PASSWORD}
    client.post("/api/auth/register", json=body).raise_for_status()
    return email


class TestToken:
    def test_token_used_twenty_times_in_parallel_works_once(self, client, engine):
        email = register(client)
        with Session(engine) as session, session.begin():
            user_id = session.scalar(select(User.id).where(User.email == email))
            token = account_tokens.create(session, user_id, TokenPurpose.RESET_PASSWORD, email)

        def reset(n: int) -> tuple[int, str]:
            password = f"{NEW} {n}"
            body = {"token": token, "password": password}
            return client.post("/api/auth/reset-password", json=body).status_code, password

        with ThreadPoolExecutor(20) as pool:
            results = list(pool.map(reset, range(20)))

        assert Counter(status for status, _ in results) == {204: 1, 422: 19}
        [password] = [password for status, password in results if status == 204]
        body = {"email": email, "password": password}
        assert client.post("/api/auth/login", json=body).status_code == 200


class TestForgotPassword:
    def test_known_and_unknown_addresses_take_the_same_time(self, client, engine):
        email = register(client)
        seconds: dict[str, list[float]] = {email: [], "unknown@example.com": []}
        for _ in range(45):
            for address, measured in seconds.items():
                began = time.perf_counter()
                response = client.post("/api/auth/forgot-password", json={"email": address})
                measured.append(time.perf_counter() - began)
                assert (response.status_code, response.content) == (202, b"")

        known, unknown = (statistics.median(each[5:]) for each in seconds.values())
        assert 0.8 < known / unknown < 1.25, (known, unknown)


@contextmanager
def deliverer(url: str, mailbox: Mailbox, log: str):
    """Run `flask deliver` until the end of the block."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "deliver"],
            cwd=ROOT,
            env=environment(url, SMTP_URL=mailbox.url, LOG_LEVEL="DEBUG"),
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("count", [10, pytest.param(500, marks=pytest.mark.nightly)])
def test_mails_arrive_while_the_server_refuses_hangs_and_restarts(own_engine, tmp_path, count):
    url = own_engine.url.render_as_string(hide_password=False)
    emails = [f"user{n}@example.com" for n in range(count)]
    with Session(own_engine) as session, session.begin():
        session.add_all([User(email=email, password_hash="hash") for email in emails])
    log, mailbox = tmp_path / "log", Mailbox()

    def number(where) -> int:
        with Session(own_engine) as session:
            return session.scalar(select(func.count()).select_from(Mail).where(where))

    with served(url) as server, httpx.Client(base_url=server.url) as client:
        for email in emails:
            body = {"email": email}
            assert client.post("/api/auth/forgot-password", json=body).status_code == 202
    with deliverer(url, mailbox, log):
        wait_for(lambda: number(Mail.attempts > 0))  # the server is down
        mailbox.reply = "451 Try again"
        with smtp_server(mailbox):
            wait_for(lambda: mailbox.attempts)
            mailbox.reply, mailbox.hangs = "", True
            refused = mailbox.attempts
            wait_for(lambda: mailbox.attempts > refused, 60)
            mailbox.hangs = False
            wait_for(lambda: mailbox.mails, 60)
        with smtp_server(mailbox):  # after a restart
            wait_for(lambda: number(Mail.sent_at.is_not(None)) == count, 400)

    tokens = [token_of(mail) for mail in mailbox.mails]
    assert {mail["To"] for mail in mailbox.mails} == set(emails)
    assert len(set(tokens)) == len(tokens)
    text = log.read_text()
    assert "mail_attempt_failed" in text
    assert not [each for each in (*tokens, *emails) if each in text]


def test_deliverer_ends_after_sigterm(own_engine, tmp_path):
    url, mailbox = own_engine.url.render_as_string(hide_password=False), Mailbox()
    with Session(own_engine) as session, session.begin():
        session.add(User(email="ada@example.com", password_hash="hash"))
        session.flush()
        mails.queue_reset(session, "ada@example.com")
    with smtp_server(mailbox), deliverer(url, mailbox, tmp_path / "log") as process:
        wait_for(lambda: mailbox.mails)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0
