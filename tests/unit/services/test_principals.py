"""Loading of the caller by the claims of a token."""

import pytest
from sqlalchemy import select

from models.sessions import AuthSession
from services import principals
from services.errors import InvalidToken
from tests.support.factories import UserFactory


@pytest.fixture
def session_id(as_user, session, user):
    return session.scalar(select(AuthSession.id).where(AuthSession.user_id == user.id))


class TestAuthenticate:
    def test_session_of_another_user_is_rejected(self, session, session_id):
        with pytest.raises(InvalidToken):
            principals.authenticate(session, UserFactory().id, session_id)

    @pytest.mark.parametrize("nonsense", ["", "nonsense", "session_01kj6zv8m4f5tbq0c9xn2hd7ea"])
    def test_invalid_id_is_rejected(self, session, session_id, user, nonsense):
        for user_id, named in ((user.id, nonsense), (nonsense, session_id)):
            with pytest.raises(InvalidToken):
                principals.authenticate(session, user_id, named)

    def test_user_is_returned(self, session, session_id, user):
        found = principals.authenticate(session, user.id, session_id)

        assert (found.id, found.email, found.session_writes) == (user.id, user.email, 0)
