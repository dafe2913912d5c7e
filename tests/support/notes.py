"""Sample resource for tests of `app`: /api/notes, without a migration and API documentation.

A note has an owner. Anyone reads notes; the owner and administrators change and delete them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import factory
from flask import Flask
from marshmallow import fields
from marshmallow_sqlalchemy import auto_field
from sqlalchemy import (
    URL,
    BigInteger,
    DateTime,
    Index,
    MetaData,
    NullPool,
    Row,
    String,
    create_engine,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.http.access import public, requires
from app.http.blueprint import Blueprint
from app.http.operation import may_lag
from app.http.resource import Resource
from models.base import NAMING, Versioned
from models.types import PrefixedID
from models.users import USER_ID, Scope
from schemas.base import RequestSchema, RowSchema, StrictInteger, Timestamp, text
from schemas.ids import id_field, path_parameter, typeid
from schemas.pages import PageQuerySchema
from services.errors import NotFound
from services.locking import IfMatch, locked
from services.pages import Page, PageRequest, read_page
from services.principals import Principal
from tests.support.factories import Factory

NOTE_ID = PrefixedID("note")
# An id that no note has.
ABSENT = NOTE_ID.new()


class Base(DeclarativeBase):
    """A separate base, because migrations create all tables of `models.base.Base`."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


class Note(Versioned, Base):
    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_newest_first", "created_at", "id"),)

    id: Mapped[str] = mapped_column(NOTE_ID, primary_key=True, default=NOTE_ID.new)
    # Without a foreign key, because `users` is a table of other metadata.
    user_id: Mapped[str] = mapped_column(USER_ID)
    title: Mapped[str] = mapped_column(String(200))
    priority: Mapped[int] = mapped_column(BigInteger, default=1)
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)


class NoteFactory(Factory):
    class Meta:
        model = Note

    user_id = factory.LazyFunction(USER_ID.new)
    title = factory.Sequence(lambda n: f"Note {n}")
    priority = 1


class ItemSchema(RequestSchema):
    """An item of a note."""

    text = text(200, required=True)
    count = StrictInteger(1, 100, required=True)


class NoteSchema(RowSchema):
    """A note."""

    class Meta(RowSchema.Meta):
        model = Note

    id = id_field(typeid("note"))
    user_id = id_field(typeid("user"))
    title = auto_field(required=True)
    priority = StrictInteger(0, 1000, required=True)
    items = fields.List(fields.Nested(ItemSchema), required=True)
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class NewNoteSchema(RequestSchema):
    """A new note."""

    title = text(200, required=True)
    priority = StrictInteger(0, 1000, load_default=1)
    items = fields.List(fields.Nested(ItemSchema), load_default=list)


class NoteChangeSchema(RequestSchema):
    """Changes of a note; fields that are left out keep their values."""

    title = text(200)
    priority = StrictInteger(0, 1000)


class NoteQuerySchema(PageQuerySchema):
    """Filters of a list of notes."""

    title = text(200)


def list_notes(session: Session, page: PageRequest, **filters: Any) -> Page:
    statement = select(Note.__table__)
    for name, value in filters.items():
        statement = statement.where(Note.__table__.c[name] == value)
    return read_page(session, statement, page, {})


def get_note(session: Session, note_id: str) -> Row[Any]:
    note = session.execute(select(Note.__table__).where(Note.id == note_id)).one_or_none()
    if note is None:
        raise NotFound
    return note


def create_note(session: Session, principal: Principal, values: Mapping[str, Any]) -> Note:
    note = Note(user_id=principal.id, **values)
    session.add(note)
    session.flush()
    return note


def update_note(
    session: Session,
    principal: Principal,
    note_id: str,
    changes: Mapping[str, Any],
    if_match: IfMatch = None,
) -> Note:
    note = lock_note(session, principal, note_id, if_match)
    for name, value in changes.items():
        setattr(note, name, value)
    session.flush()
    return note


def delete_note(
    session: Session, principal: Principal, note_id: str, if_match: IfMatch = None
) -> None:
    session.delete(lock_note(session, principal, note_id, if_match))
    session.flush()


def lock_note(session: Session, principal: Principal, note_id: str, if_match: IfMatch) -> Note:
    statement = select(Note).where(Note.id == note_id)
    if not principal.may(Scope.USERS_MANAGE):
        statement = statement.where(Note.user_id == principal.id)
    return locked(session, statement, if_match)


blp = Blueprint("notes", __name__, url_prefix="/api/notes", description="Notes. For tests.")


@blp.route("")
class Notes(Resource):
    @blp.paginated(NoteQuerySchema, NoteSchema)
    @may_lag
    @public
    @blp.doc(operationId="listNotes")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List all notes, newest first."""
        return list_notes(self.session, page, **filters)

    @blp.idempotent
    @blp.arguments(NewNoteSchema)
    @blp.created(NoteSchema, "/api/notes/{id}")
    @blp.etag
    @requires(Scope.PROFILE)
    @blp.doc(operationId="createNote")
    def post(self, values: dict[str, Any]) -> Note:
        """Create a note."""
        return create_note(self.session, self.principal, values)


@blp.route("/mine")
class MyNotes(Resource):
    @blp.paginated(NoteQuerySchema, NoteSchema)
    @may_lag
    @blp.deprecated(since=datetime(2026, 1, 1, tzinfo=UTC), sunset=datetime(2027, 1, 1, tzinfo=UTC))
    @requires(Scope.PROFILE)
    @blp.doc(operationId="listMyNotes")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List the notes of the caller, newest first."""
        return list_notes(self.session, page, user_id=self.principal.id, **filters)


@blp.route("/<note_id>", parameters=[path_parameter("note_id", typeid("note"))])
class NoteDetail(Resource):
    @blp.response(200, NoteSchema)
    @blp.etag
    @may_lag
    @public
    @blp.doc(operationId="getNote")
    def get(self, note_id: str) -> Row[Any]:
        """Get a note."""
        return get_note(self.session, note_id)

    @blp.arguments(NoteChangeSchema)
    @blp.response(200, NoteSchema)
    @blp.etag
    @requires(Scope.PROFILE)
    @blp.doc(operationId="updateNote")
    def patch(self, changes: dict[str, Any], note_id: str) -> Note:
        """Change a note."""
        return update_note(self.session, self.principal, note_id, changes, self.if_match)

    @blp.response(204)
    @blp.etag
    @requires(Scope.PROFILE)
    @blp.doc(operationId="deleteNote")
    def delete(self, note_id: str) -> None:
        """Delete a note."""
        delete_note(self.session, self.principal, note_id, self.if_match)


def register(app: Flask) -> Flask:
    """Add /api/notes to an application, before its first request."""
    app.extensions["flask-smorest"]["apis"][""]["ext_obj"].register_blueprint(blp)
    return app


def create_table(url: URL) -> None:
    """Create the table `notes`, and close the connection."""
    Base.metadata.create_all(create_engine(url, poolclass=NullPool))
