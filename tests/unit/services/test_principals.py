"""The caller, by the claims of a verified token."""

import pytest
from sqlalchemy import select

from models.sessions import AuthSession
from services import principals
from tests.support.factories import UserFactory


@pytest.fixture
def session_id(as_user, session, user):
    return session.scalar(select(AuthSession.id).where(AuthSession.user_id == user.id))


class TestAuthenticate:
    def test_session_of_somebody_else_is_refused(self, session, session_id):
        assert principals.authenticate(session, UserFactory().id, session_id) is None

    @pytest.mark.parametrize("nonsense", ["", "nonsense", "session_01kj6zv8m4f5tbq0c9xn2hd7ea"])
    def test_what_is_no_id_is_refused(self, session, session_id, user, nonsense):
        assert principals.authenticate(session, user.id, nonsense) is None
        assert principals.authenticate(session, nonsense, session_id) is None

    def test_user_is_told(self, session, session_id, user):
        found = principals.authenticate(session, user.id, session_id)

        assert (found.id, found.email, found.session_writes) == (user.id, user.email, 0)
