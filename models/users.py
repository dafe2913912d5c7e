"""User accounts, roles and scopes."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, false, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Versioned
from models.types import PrefixedID

USER_ID = PrefixedID("user")
MAX_EMAIL = 254  # octets (RFC 5321, section 4.5.3.1)


def canonical_email(address: str) -> str:
    """Return the form in which an address is stored: NFC, in lower case."""
    return unicodedata.normalize("NFC", address.lower())


class Scope(StrEnum):
    """A permission that an endpoint requires."""

    PROFILE = "profile"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    ORDERS_MANAGE = "orders:manage"
    PRODUCTS_WRITE = "products:write"
    USERS_MANAGE = "users:manage"
    EVENTS_READ = "events:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    # Access to sessions, the password and API keys. An API key cannot have this scope.
    CREDENTIALS = "credentials"


class Role(StrEnum):
    """The role of a user: a set of scopes."""

    USER = "user"
    ADMIN = "admin"
    # A program that has API keys and cannot sign in.
    SERVICE = "service"

    @property
    def scopes(self) -> frozenset[Scope]:
        return SCOPES[self]


SCOPES = {
    Role.USER: frozenset({Scope.PROFILE, Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.CREDENTIALS}),
    Role.ADMIN: frozenset(Scope),
    Role.SERVICE: frozenset(Scope) - {Scope.USERS_MANAGE, Scope.CREDENTIALS},
}
# Domains of service accounts and erased accounts; they never receive email (RFC 2606, section 2).
SERVICE_DOMAIN = "@service-account.invalid"
ERASED_DOMAIN = "@erased.invalid"


class User(Versioned, Base):
    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(
            "role IN ({})".format(", ".join(f"'{role}'" for role in Role)), "role_known"
        ),
        Index("ix_users_newest_first", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(USER_ID, primary_key=True, default=USER_ID.new)
    # In the form of `canonical_email`, so that each address has one account.
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(200), server_default="")
    phone: Mapped[str | None] = mapped_column(String(16))
    role: Mapped[Role] = mapped_column(String(16), default=Role.USER, server_default=Role.USER)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    email_verified_at: Mapped[datetime | None]
    # Whether the second factor is on. A copy of the state in `second_factors`, so that a request
    # reads only the user.
    second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    # An erased account has no personal data. The row is kept, because other rows refer to it.
    erased_at: Mapped[datetime | None]
