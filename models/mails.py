"""Outbox of mails: the transaction of a change also inserts the mail about the change."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import PrefixedID
from models.users import MAX_EMAIL, USER_ID

MAIL_ID = PrefixedID("mail")


class MailKind(StrEnum):
    """Template in app/templates/mails. There is no constraint, so a new kind needs no migration."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 (a name)
    PASSWORD_WAS_RESET = "password_was_reset"  # noqa: S105 (a name)
    CHANGE_EMAIL = "change_email"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"


class Mail(Base):
    """A mail without its token: the sender creates a new token for each attempt."""

    __tablename__ = "mails"
    __table_args__ = (
        Index(
            "ix_mails_due",
            "next_attempt_at",
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
        Index("ix_mails_user_id", "user_id"),
    )

    id: Mapped[str] = mapped_column(MAIL_ID, primary_key=True, default=MAIL_ID.new)
    kind: Mapped[MailKind] = mapped_column(String(32))
    # NULL if a password reset was requested for an unknown address; such a mail is never sent.
    user_id: Mapped[str | None] = mapped_column(USER_ID, ForeignKey("users.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(MAX_EMAIL))
    attempts: Mapped[int] = mapped_column(server_default="0")
    # During an attempt to send the mail: the end of the sender's lease.
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
