"""Metrics of the mail outbox, on the port of the process that sends mails."""

import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from app.observability import mail_metrics
from models.mails import Mail, MailKind
from models.users import User
from services import mails
from tests.support.servers import ROOT, environment
from tests.support.smtp_servers import Mailbox
from tests.support.waiting import wait_for
from tools.embedded import free_port

NONE = {"new": (0, 0), "retried": (0, 0)}
HOUR = 3600


def queue(engine, number=1, **values):
    """Queue mails, and set these values of their rows."""
    with Session(engine) as session, session.begin():
        for n in range(number):
            user = User(email=f"user{n}@example.com", password_hash="hash")
            session.add(user)
            session.flush()
            mails.queue(session, MailKind.VERIFY_EMAIL, user.id, user.email)
        if values:
            session.execute(update(Mail).values(values))


def hours_ago(hours):
    return func.now() - func.make_interval(0, 0, 0, 0, hours)


def sampled(engine):
    """Return the number of waiting mails and the age of the oldest in whole hours, by state."""
    with Session(engine) as session:
        mail_metrics.sample(session)
    gauges = (mail_metrics.BACKLOG, mail_metrics.OLDEST)
    values = [{s.labels["state"]: s.value for s in gauge.collect()[0].samples} for gauge in gauges]
    return {state: (values[0][state], values[1][state] // HOUR) for state in NONE}


class TestGauges:
    def test_empty_outbox_is_zero(self, own_engine):
        assert sampled(own_engine) == NONE

    def test_mail_without_an_attempt_is_new(self, own_engine):
        queue(own_engine, 3, created_at=hours_ago(2))

        assert sampled(own_engine) == NONE | {"new": (3, 2)}

    def test_mail_that_failed_is_retried_and_keeps_its_age(self, own_engine):
        values = {"created_at": hours_ago(2), "next_attempt_at": hours_ago(-1)}
        queue(own_engine, 2, attempts=1, **values)

        assert sampled(own_engine) == NONE | {"retried": (2, 2)}

    @pytest.mark.parametrize(
        "ended",
        [{"sent_at": func.now()}, {"failed_at": func.now()}, {"attempts": mails.MAX_ATTEMPTS}],
        ids=["sent", "failed", "last attempt"],
    )
    def test_mail_without_another_attempt_does_not_wait(self, own_engine, ended):
        queue(own_engine, **{"attempts": 1, **ended})

        assert sampled(own_engine) == NONE


@contextmanager
def metrics_of(engine, *command, **more):
    """Run a command of `flask`, and yield a function that returns its metrics."""
    port, url = free_port(), engine.url.render_as_string(hide_password=False)
    env = environment(url, METRICS_PORT=str(port), **more)
    process = subprocess.Popen([sys.executable, "-m", "flask", *command], cwd=ROOT, env=env)

    def scraped():
        try:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        except httpx.TransportError:
            return {}
        families = text_string_to_metric_families(text)
        return {(s.name, *s.labels.values()): s.value for each in families for s in each.samples}

    try:
        yield scraped
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("command", [["deliver"], ["mail", "deliver"]], ids=" ".join)
def test_process_exports_the_mails_of_an_unavailable_server(own_engine, command):
    queue(own_engine, 3)

    with metrics_of(own_engine, *command, SMTP_URL=Mailbox().url) as scraped:
        wait_for(lambda: scraped().get(("mail_backlog", "retried")) == 3, seconds=90)

        assert ("mail_oldest_seconds", "new") in scraped()
        assert (("webhook_backlog", "healthy") in scraped()) is (command == ["deliver"])


def test_process_without_a_mail_server_exports_no_mails(own_engine):
    queue(own_engine)

    with metrics_of(own_engine, "deliver", SMTP_URL="") as scraped:
        wait_for(lambda: ("webhook_backlog", "healthy") in scraped(), seconds=90)

        assert not any("mail_" in name[0] for name in scraped())
