"""The mail sender and `flask deliver` without PostgreSQL, after errors, and with older mails."""

from contextlib import contextmanager
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from models.users import User
from services import mail_sender, mails, smtp
from services.mail_messages import Composer
from services.mail_sender import MailSender
from tests.support.smtp_servers import Mailbox, smtp_server, token_of

EMAIL = "ada@example.com"


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def new_sender(application, mailbox):
    """Return a function that creates a sender for an engine."""
    composer = Composer(application.jinja_env, "shop@example.com", "https://api.example")

    def make(engine):
        transaction = sessionmaker(engine, expire_on_commit=False).begin
        return MailSender(transaction, composer.compose, smtp.Server(mailbox.url).send)

    return make


@pytest.fixture
def engine(own_engine):
    with Session(own_engine) as session, session.begin():
        session.add(User(email=EMAIL, password_hash="hash"))
        session.flush()
        mails.queue_reset(session, EMAIL)
    return own_engine


def test_single_run_fails_without_postgresql(new_sender):
    nothing_listens_here = create_engine("postgresql+psycopg2://127.0.0.1:1/none")

    with pytest.raises(OperationalError):
        new_sender(nothing_listens_here).run(once=True)


def test_accepted_mail_is_recorded_after_an_outage(new_sender, engine, mailbox, monkeypatch):
    monkeypatch.setattr(mail_sender, "RECONNECT_SECONDS", 0)
    sender = new_sender(engine)
    transaction, broken = sender.transaction, iter([False, True, True, False])

    @contextmanager
    def sometimes():
        if next(broken, False):
            raise OperationalError("", {}, Exception())
        with transaction() as session:
            yield session

    sender.transaction = sometimes
    with smtp_server(mailbox):
        assert sender.send_next()
        assert not sender.send_next()

    assert len(mailbox.mails) == 1


def test_misconfigured_relay_loses_no_mail(new_sender, engine, mailbox, monkeypatch):
    monkeypatch.setattr(mails, "DELAYS", (timedelta(0),) * 7)
    mailbox.reply = "554 Relay access denied"
    with smtp_server(mailbox):
        new_sender(engine).send_next()
        mailbox.reply = ""
        new_sender(engine).run(once=True)

    assert [mail["To"] for mail in mailbox.mails] == [EMAIL]


def test_older_mail_does_not_end_the_link_of_a_newer_one(new_sender, engine, mailbox):
    sender = new_sender(engine)
    sender.send_next()  # fails, and is retried later
    with Session(engine) as session, session.begin():
        mails.queue_reset(session, EMAIL)
    with smtp_server(mailbox):
        sender.run(once=True)
        with Session(engine) as session, session.begin():
            session.execute(mails.mails.update().values(next_attempt_at="-infinity"))
        sender.run(once=True)

    assert [len(token_of(mail)) for mail in mailbox.mails] == [43]


class Loop:
    """A loop that ends by an error, or when it is stopped."""

    def __init__(self, error=None):
        self.stopping, self.error = Event(), error

    def run(self, once):
        if self.error:
            raise self.error
        self.stopping.wait()


def test_error_of_one_loop_ends_the_process(application, monkeypatch):
    monkeypatch.setattr("commands.deliver.mail_sender", lambda: Loop())
    monkeypatch.setattr("commands.deliver.webhook_deliverer", lambda *_: Loop(KeyError("lost")))

    result = application.test_cli_runner().invoke(args=["deliver"])

    assert result.exit_code == 1
    assert isinstance(result.exception, KeyError)
