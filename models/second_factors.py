"""Second factors of users: authenticator apps (TOTP) and recovery codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.users import USER_ID


class SecondFactor(Base):
    """An authenticator app; it is pending until the user has confirmed it with a code."""

    __tablename__ = "second_factors"

    user_id: Mapped[str] = mapped_column(
        USER_ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    # Plain text, because codes are computed from it.
    secret: Mapped[str] = mapped_column(String(32))
    confirmed_at: Mapped[datetime | None]
    # The time step of the last accepted code (RFC 6238), so that no code is accepted twice.
    last_step: Mapped[int | None] = mapped_column(BigInteger)


class RecoveryCode(Base):
    """A recovery code, deleted when it is used. The table stores only the digest."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[str] = mapped_column(
        USER_ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
