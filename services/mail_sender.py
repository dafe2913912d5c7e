"""Mail sender: sends due mails in four threads, so that one slow attempt does not delay all."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from email.message import EmailMessage
from threading import Event as Flag
from threading import Thread

from loguru import logger
from psycopg2 import Error as DriverError
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from services import mails
from services.mails import Claim
from services.smtp import RecipientRefusedError

THREADS = 4
POLL_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
# How long the sender tries to record a success; less than the lease of a mail.
RECORD_SECONDS = 60.0
# Time for running attempts after SIGTERM. The mail of a longer attempt is sent again, with a new
# token.
GRACE_SECONDS = 15.0


class MailSender:
    """Sends mails in several threads.

    Args:
        transaction: Opens a session that commits at the end of the block.
        compose: Returns the message of a claimed mail.
        send: Sends a message.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Session]],
        compose: Callable[[Claim], EmailMessage],
        send: Callable[[EmailMessage], None],
        threads: int = THREADS,
    ) -> None:
        self.transaction, self.compose, self.send = transaction, compose, send
        self.threads, self.stopping = threads, Flag()
        self.error: Exception | None = None

    def run(self, *, once: bool = False) -> None:
        """Send mails until `stopping` is set; with `once`, until no mail is due.

        Raises:
            SQLAlchemyError: PostgreSQL is unavailable; without `once`, the threads wait instead.
        """
        # Each thread gets the application context of Flask.
        threads = [
            Thread(target=copy_context().run, args=(self.try_work, once), daemon=True)
            for _ in range(self.threads)
        ]
        for thread in threads:
            thread.start()
        if not once:
            self.stopping.wait()
        deadline = time.monotonic() + GRACE_SECONDS
        for thread in threads:
            thread.join(None if once else max(0, deadline - time.monotonic()))
        if self.error:
            raise self.error

    def try_work(self, once: bool) -> None:
        """Work in a thread; after an error, stop all threads, and let `run` raise it."""
        try:
            self.work(once)
        except Exception as error:
            self.error = error
            self.stopping.set()

    def work(self, once: bool) -> None:
        """Send one mail after another; while PostgreSQL is unavailable, log the error and wait."""
        while not self.stopping.is_set():
            try:
                worked = self.send_next()
            except (SQLAlchemyError, DriverError) as error:
                if once:
                    raise
                logger.bind(reason=type(error).__name__).warning("mail_database_unavailable")
                self.stopping.wait(RECONNECT_SECONDS)
                continue
            if not worked and once:
                return
            if not worked:
                self.stopping.wait(POLL_SECONDS)

    def send_next(self) -> bool:
        """Send the mail that has been due for the longest time; return whether a mail was due."""
        with self.transaction() as session:
            claim = mails.claim(session)
        if claim is None:
            return False
        try:
            self.send(self.compose(claim))
        except RecipientRefusedError as error:
            self.record_failure(claim.mail, f"The recipient was refused: {error}", final=True)
        except OSError as error:
            # Without the text of the error, which can contain the address.
            code = getattr(error, "smtp_code", "")
            self.record_failure(claim.mail, f"{type(error).__name__} {code}".strip())
        except Exception as error:
            logger.bind(mail=claim.mail.id).exception("The attempt to send a mail failed.")
            self.record_failure(claim.mail, type(error).__name__)
        else:
            self.record_sent(claim.mail)
        return True

    def record_sent(self, mail: Row) -> None:
        """Record that a mail was sent; retry up to a minute: an unrecorded mail is sent again."""
        deadline = time.monotonic() + RECORD_SECONDS
        while True:
            try:
                with self.transaction() as session:
                    return mails.record_sent(session, mail)
            except (SQLAlchemyError, DriverError):
                if self.stopping.wait(RECONNECT_SECONDS) or time.monotonic() > deadline:
                    raise

    def record_failure(self, mail: Row, reason: str, *, final: bool = False) -> None:
        last = final or mail.attempts >= mails.MAX_ATTEMPTS
        text = "mail_failed" if last else "mail_attempt_failed"
        logger.bind(mail=mail.id, kind=mail.kind, reason=reason).warning(text)
        with self.transaction() as session:
            mails.record_failure(session, mail, final=final)
