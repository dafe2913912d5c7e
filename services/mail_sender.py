"""Mail sender: sends due mails in a few threads, so that a slow server delays fewer mails."""

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
# After SIGTERM. A mail whose attempt takes longer is sent again, with a new token.
GRACE_SECONDS = 15.0


class MailSender:
    """Sends mails in threads of their own.

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

    def run(self, *, once: bool = False) -> None:
        """Send mails until `stopping` is set; with `once`, until no mail is due."""
        # Each thread gets the application context of Flask.
        threads = [
            Thread(target=copy_context().run, args=(self.work, once), daemon=True)
            for _ in range(self.threads)
        ]
        for thread in threads:
            thread.start()
        if not once:
            self.stopping.wait()
        for thread in threads:
            thread.join(None if once else GRACE_SECONDS)

    def work(self, once: bool) -> None:
        """Send one mail after another; while PostgreSQL is unavailable, log it and wait."""
        while not self.stopping.is_set():
            try:
                worked = self.send_next()
            except (SQLAlchemyError, DriverError) as error:
                logger.bind(reason=type(error).__name__).warning("mail_database_unavailable")
                self.stopping.wait(RECONNECT_SECONDS)
                continue
            if not worked and once:
                return
            if not worked:
                self.stopping.wait(POLL_SECONDS)

    def send_next(self) -> bool:
        """Send the mail that is due longest; return whether there was one."""
        with self.transaction() as session:
            claim = mails.claim(session)
        if claim is None:
            return False
        try:
            self.send(self.compose(claim))
        except RecipientRefusedError:
            self.record_failure(claim.mail, "The recipient was refused.", final=True)
        except OSError as error:
            # Without its text, which can contain the address.
            code = getattr(error, "smtp_code", "")
            self.record_failure(claim.mail, f"{type(error).__name__} {code}".strip())
        except Exception as error:
            logger.bind(mail=claim.mail.id).exception("The attempt to send a mail failed.")
            self.record_failure(claim.mail, type(error).__name__)
        else:
            with self.transaction() as session:
                mails.record_sent(session, claim.mail)
        return True

    def record_failure(self, mail: Row, reason: str, *, final: bool = False) -> None:
        last = final or mail.attempts >= mails.MAX_ATTEMPTS
        text = "mail_failed" if last else "mail_attempt_failed"
        logger.bind(mail=mail.id, kind=mail.kind, reason=reason).warning(text)
        with self.transaction() as session:
            mails.record_failure(session, mail, final=final)
