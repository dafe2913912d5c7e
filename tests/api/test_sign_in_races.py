"""Accounts that change between the verification of the password and the new session."""

import pytest
from sqlalchemy.orm.exc import StaleDataError

from services import sessions, sign_in
from services.sessions import Client
from tests.support.factories import UserFactory


@pytest.mark.parametrize(
    "change", [{"password_hash": "new"}, {"second_factor": True}, {"is_active": False}]
)
def test_changed_account_gets_no_session(session, change):
    user = UserFactory()
    account = sign_in.find_account(session, user.email)
    assert sessions.open_session(session, account, account.password_hash, Client(None, None))
    for name, value in change.items():
        setattr(user, name, value)
    session.flush()

    with pytest.raises(StaleDataError):
        sessions.open_session(session, account, account.password_hash, Client(None, None))
