"""Resources of another user return the responses of absent ones, in every operation."""

import pytest

from models.sessions import SESSION_ID
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory
from tests.support.isolation import check_foreign_like_absent, check_not_listed
from tests.support.notes import NOTE_ID, NoteFactory


@pytest.fixture
def owner(session):
    return UserFactory()


@pytest.fixture
def foreign(app, owner):
    """Return the ids of a note and of a session of another user."""
    (signed_in,) = ApiClient(app).signed_in(owner).get("/api/auth/sessions").json["items"]
    return {"note_id": NoteFactory(user_id=owner.id).id, "session_id": signed_in["id"]}


def test_ids_of_another_user_return_the_response_of_absent_ids(as_user, foreign):
    absent = {"note_id": NOTE_ID.new(), "session_id": SESSION_ID.new()}

    assert check_foreign_like_absent(as_user, foreign, absent) >= 3


def test_lists_have_no_rows_of_another_user(as_user, foreign, owner):
    check_not_listed(as_user, {*foreign.values(), owner.id, owner.email})
