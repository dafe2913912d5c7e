"""Base classes of the database models: naming of constraints, timestamps, versions, ETags."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, MetaData, Table, func
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

# Names for constraints, so that later migrations can alter them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


def table(model: type[Base]) -> Table:
    """Return the table of a model, for statements that do not load instances."""
    assert isinstance(model.__table__, Table)
    return model.__table__


class Timestamped:
    """Times of creation and of the last change, by the clock of the database."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.clock_timestamp()
    )


class Versioned(Timestamped):
    """Optimistic concurrency control: an UPDATE fails if the version has changed."""

    version: Mapped[int] = mapped_column(BigInteger, server_default="1")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.version, "eager_defaults": True}


def etag(row: Any) -> str:
    """Return a strong validator of a versioned row (RFC 9110, section 8.8.1).

    The validator contains the time of creation, because a new row can have the id of a deleted row.
    """
    return f"{row.version}-{int(row.created_at.timestamp() * 1_000_000):x}"
