"""The mail sender against an SMTP server that accepts, refuses, hangs and restarts."""

import smtplib
from datetime import timedelta
from threading import Thread

import pytest
from loguru import logger
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.mails import Mail, MailKind
from models.users import User
from services import mails, smtp
from services.mail_messages import Composer
from services.mail_sender import MailSender
from tests.support.smtp_servers import Mailbox, smtp_server, token_of
from tests.support.waiting import wait_for

RESETS = 3


@pytest.fixture
def engine(own_engine):
    with Session(own_engine) as session, session.begin():
        for n in range(RESETS):
            session.add(User(email=f"user{n}@example.com", password_hash="hash"))
        session.flush()
        for n in range(RESETS):
            mails.queue_reset(session, f"user{n}@example.com")
    return own_engine


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def sender(application, engine, mailbox):
    composer = Composer(application.jinja_env, "Shop <shop@example.com>", "https://api.example")
    transaction = sessionmaker(engine, expire_on_commit=False).begin
    return MailSender(transaction, composer.compose, smtp.Server(mailbox.url).send)


@pytest.fixture
def no_delays(monkeypatch):
    monkeypatch.setattr(mails, "DELAYS", (timedelta(0),) * 7)


def stored(engine):
    with Session(engine) as session:
        return session.scalars(select(Mail).order_by(Mail.id)).all()


def make_due(engine):
    with Session(engine) as session, session.begin():
        session.execute(update(Mail).values(next_attempt_at=func.now()))


def check_all_arrived(engine, mailbox):
    tokens = [token_of(mail) for mail in mailbox.mails]
    assert len(set(tokens)) == len(tokens)
    assert {mail["To"] for mail in mailbox.mails} >= {f"user{n}@example.com" for n in range(RESETS)}
    assert all(mail.sent_at for mail in stored(engine))


class TestDelivery:
    def test_each_mail_is_sent_once(self, sender, engine, mailbox):
        with smtp_server(mailbox):
            sender.run(once=True)
            sender.run(once=True)

        check_all_arrived(engine, mailbox)
        assert len(mailbox.mails) == RESETS

    def test_message_has_text_and_html(self, sender, mailbox):
        with smtp_server(mailbox):
            sender.send_next()

        [mail] = mailbox.mails
        assert (mail["From"], mail["Subject"]) == ("Shop <shop@example.com>", "Reset your password")
        link = f"https://api.example/api/account/reset-password#token={token_of(mail)}"
        assert link in mail.get_body(["plain"]).get_content()
        assert f'href="{link}"' in mail.get_body(["html"]).get_content()
        assert "30 minutes" in mail.get_body(["plain"]).get_content()

    def test_mail_arrives_after_an_outage(self, sender, engine, mailbox, no_delays):
        assert sender.send_next()
        assert [mail.attempts for mail in stored(engine) if mail.attempts] == [1]

        with smtp_server(mailbox):
            sender.run(once=True)
        check_all_arrived(engine, mailbox)

    def test_temporary_refusal_is_retried_with_a_new_token(
        self, sender, engine, mailbox, no_delays
    ):
        mailbox.reply = "451 Try again"
        with smtp_server(mailbox):
            sender.send_next()
            mailbox.reply = ""
            sender.run(once=True)

        check_all_arrived(engine, mailbox)

    def test_hanging_server_is_retried(self, sender, engine, mailbox, no_delays, monkeypatch):
        monkeypatch.setattr(smtp, "TIMEOUT_SECONDS", 0.2)
        mailbox.hangs = True
        with smtp_server(mailbox):
            sender.send_next()
            mailbox.hangs = False
            sender.run(once=True)

        check_all_arrived(engine, mailbox)

    def test_refused_recipient_fails_at_once(self, sender, engine, mailbox, no_delays):
        mailbox.reply = "550 Unknown user"
        with smtp_server(mailbox):
            sender.run(once=True)

        assert mailbox.attempts == RESETS
        assert all(mail.failed_at and not mail.sent_at for mail in stored(engine))

    def test_mail_fails_after_eight_attempts(self, sender, engine, no_delays):
        sender.run(once=True)

        assert [mail.attempts for mail in stored(engine)] == [8] * RESETS
        assert all(mail.failed_at for mail in stored(engine))

    def test_next_attempt_waits(self, sender, engine):
        sender.run(once=True)

        assert [mail.attempts for mail in stored(engine)] == [1] * RESETS

    def test_mail_of_a_killed_sender_is_sent_after_its_lease(self, sender, engine, mailbox):
        with sessionmaker(engine).begin() as session:
            first = mails.claim(session)
        with smtp_server(mailbox):
            sender.run(once=True)
            assert len(mailbox.mails) == RESETS - 1
            make_due(engine)
            sender.run(once=True)

        check_all_arrived(engine, mailbox)
        assert first.token not in {token_of(mail) for mail in mailbox.mails}

    def test_mail_of_an_inactive_user_is_deleted(self, sender, engine, mailbox):
        with Session(engine) as session, session.begin():
            session.execute(update(User).values(is_active=False))
        with smtp_server(mailbox):
            sender.run(once=True)

        assert mailbox.mails == []
        assert stored(engine) == []

    def test_stopping_ends_the_sender(self, sender, mailbox):
        thread = Thread(target=sender.run)
        with smtp_server(mailbox):
            thread.start()
            wait_for(lambda: len(mailbox.mails) == RESETS, 30)
            sender.stopping.set()
            thread.join(30)
        assert not thread.is_alive()


class TestLog:
    def test_log_has_no_token_and_no_address(self, sender, engine, mailbox, no_delays):
        tokens, lines = [], []
        compose = sender.compose
        sender.compose = lambda claim: tokens.append(claim.token) or compose(claim)
        sink = logger.add(lines.append, level="TRACE", diagnose=False)
        mailbox.reply = "550 <user0@example.com> is unknown"
        sender.send_next()
        with smtp_server(mailbox):
            sender.run(once=True)
        logger.remove(sink)

        text = "".join(str(line) + repr(line.record) for line in lines)
        assert "mail_failed" in text
        assert len(tokens) == RESETS + 1
        assert not [each for each in (*tokens, "@example.com") if each in text]


class TestTLS:
    @pytest.mark.parametrize(
        "url", ["smtp://u:p@127.0.0.1:{}", "smtp://127.0.0.1:{}?starttls=required"]
    )
    def test_server_without_starttls_gets_no_credentials(self, mailbox, url):
        with smtp_server(mailbox), pytest.raises(smtplib.SMTPException, match="STARTTLS"):
            smtp.Server(url.format(mailbox.port)).connect()


class TestQueue:
    def test_kinds_have_templates(self, application):
        for kind in MailKind:
            for suffix in ("txt", "html"):
                assert application.jinja_env.get_template(f"mails/{kind}.{suffix}")
