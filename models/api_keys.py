"""API keys of users and service accounts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.types import PrefixedID
from models.users import USER_ID, Scope

API_KEY_ID = PrefixedID("key")
MAX_NAME = 100
NOT_REVOKED = text("revoked_at IS NULL")


class APIKey(Base):
    """An API key. The table stores only the digest of the key."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(f"'{Scope.CREDENTIALS}' <> ALL (scopes)", name="no_credentials_scope"),
        # Partial, because lists of keys and the limit on the number of keys ignore revoked keys.
        Index("ix_api_keys_user_id", "user_id", "created_at", "id", postgresql_where=NOT_REVOKED),
        Index("ix_api_keys_newest_first", "created_at", "id", postgresql_where=NOT_REVOKED),
    )

    id: Mapped[str] = mapped_column(API_KEY_ID, primary_key=True, default=API_KEY_ID.new)
    user_id: Mapped[str] = mapped_column(USER_ID, ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[str] = mapped_column(USER_ID, ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
