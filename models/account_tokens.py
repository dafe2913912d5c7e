"""Tokens in mails: a token is valid for one use, and only its digest is stored."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.users import MAX_EMAIL, USER_ID


class TokenPurpose(StrEnum):
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 (a name)
    CHANGE_EMAIL = "change_email"


class AccountToken(Base):
    """A token in a mail. A user has at most one token for each purpose."""

    __tablename__ = "account_tokens"
    __table_args__ = (
        Index("uq_account_tokens_user_id_purpose", "user_id", "purpose", unique=True),
        Index("ix_account_tokens_expires_at", "expires_at"),
    )

    # SHA-256 of 256 random bits.
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[str] = mapped_column(USER_ID, ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[TokenPurpose] = mapped_column(String(32))
    # The address to which the token was sent.
    email: Mapped[str] = mapped_column(String(MAX_EMAIL))
    # SHA-256 of the password hash: a new password makes the token invalid.
    password_digest: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
