"""DELETE /api/users/me and DELETE /api/users/{user_id}: erasure of personal data."""

import pytest
from loguru import logger
from sqlalchemy import event, func, select

from models.account_tokens import AccountToken, TokenPurpose
from models.api_keys import APIKey
from models.events import EventType
from models.mails import Mail
from models.second_factors import RecoveryCode, SecondFactor
from models.sessions import AuthSession
from models.users import Role, User
from services import account_tokens
from tests.support.api_keys import URL as KEYS
from tests.support.api_keys import new_key, using
from tests.support.clients import ApiClient
from tests.support.events import recorded
from tests.support.factories import UserFactory
from tests.support.personal_data import ACCOUNT, DATA, EMAIL, PASSWORD, found, signed_up
from tests.support.second_factors import enrolled

ME = "/api/users/me"


@pytest.fixture
def person(app, session):
    return signed_up(app)


@pytest.fixture(params=["self", "administrator"])
def erase(request, person, as_admin):
    """Return a function that erases the person."""
    user_id, client = person
    ways = {
        "self": lambda: client.delete(ME),
        "administrator": lambda: as_admin.delete(f"/api/users/{user_id}"),
    }
    return ways[request.param]


class TestErasure:
    def test_no_table_has_personal_data_afterwards(self, session, erase):
        assert [value for value, columns in found(session, *DATA).items() if not columns] == []

        assert erase().status_code == 204

        assert found(session, *DATA) == {value: set() for value in DATA}

    def test_access_ends_at_once(self, app, person, erase):
        _, client = person
        key = new_key(client, "profile")["key"]

        erase()

        assert client.get(ME).status_code == 401
        assert using(app, key).get(ME).status_code == 401
        refresh = {"refresh_token": client.tokens["refresh_token"]}
        assert client.post("/api/auth/refresh", json=refresh).status_code == 401
        credentials = {"email": EMAIL, "password": PASSWORD}
        assert client.post("/api/auth/login", json=credentials).status_code == 401

    def test_address_can_register_again(self, app, person, erase):
        erase()

        response = ApiClient(app).post("/api/auth/register", json=ACCOUNT)

        assert response.status_code == 201
        assert response.json["id"] != person[0]

    def test_account_does_not_exist_for_administrators(self, as_admin, person, erase):
        location = f"/api/users/{person[0]}"
        erase()

        assert as_admin.get(location).status_code == 404
        assert as_admin.patch(location, json={"is_active": True}).status_code == 404
        assert as_admin.delete(location).status_code == 404
        assert person[0] not in as_admin.get("/api/users").text

    def test_keys_are_revoked_with_events(self, session, person, erase):
        erase()

        keys = session.scalars(select(APIKey).where(APIKey.user_id == person[0])).all()
        assert all(key.revoked_at for key in keys)
        revoked = recorded(session, EventType.API_KEY_REVOKED)
        assert [event.resource_id for event in revoked] == [key.id for key in keys]
        [erased] = recorded(session, EventType.USER_ERASED)
        assert erased.resource_id == person[0]

    def test_mails_tokens_and_second_factor_are_deleted(self, session, person, erase):
        user_id, client = person
        session.get(User, user_id).email_verified_at = func.now()
        session.flush()
        enrolled(client, EMAIL, PASSWORD)
        account_tokens.create(session, user_id, TokenPurpose.VERIFY_EMAIL, EMAIL)
        deleted = (Mail, AccountToken, SecondFactor, RecoveryCode, AuthSession)
        mine = [select(each).where(each.user_id == user_id) for each in deleted]
        assert all(session.scalars(rows).all() for rows in mine)

        erase()

        assert [session.scalars(rows).all() for rows in mine] == [[]] * len(deleted)
        assert session.get(User, user_id).second_factor is False

    def test_other_users_stay_the_same(self, session, user, as_user, erase):
        key = new_key(as_user, name="other")

        erase()

        assert as_user.get(ME).json["email"] == user.email
        assert as_user.get(f"{KEYS}/{key['id']}").json["name"] == "other"

    def test_erasure_that_is_not_committed_is_not_logged(self, app, erase):
        def fail(_session):
            raise RuntimeError("The commit fails.")

        lines = []
        sink = logger.add(lambda message: lines.append(str(message)), level="DEBUG")
        event.listen(app.extensions["sessions"], "before_commit", fail)
        assert erase().status_code == 500
        logger.remove(sink)

        assert [line for line in lines if "user_erased" in line] == []

    def test_log_has_the_id_only(self, app, person, erase):
        lines = []
        sink = logger.add(lambda message: lines.append(str(message.record)), level="DEBUG")
        erase()
        logger.remove(sink)

        [line] = [line for line in lines if "user_erased" in line]
        assert person[0] in line
        assert [value for value in DATA if value in "".join(lines)] == []


class TestRefusals:
    def test_last_administrator_returns_409_and_is_unchanged(self, session, as_admin, admin):
        UserFactory(role=Role.ADMIN, is_active=False)

        for path in (ME, f"/api/users/{admin.id}"):
            response = as_admin.delete(path)
            assert response.status_code == 409
            assert response.json["type"] == "/api/problems/last-admin"
        assert as_admin.get(ME).json["email"] == admin.email

    def test_one_of_two_administrators_can_be_erased(self, session, as_admin):
        UserFactory(role=Role.ADMIN)

        assert as_admin.delete(ME).status_code == 204

    def test_api_key_cannot_erase_its_owner(self, app, as_user, user):
        key = new_key(as_user, "profile")["key"]

        assert using(app, key).delete(ME).status_code == 403
        assert as_user.get(ME).status_code == 200

    def test_user_cannot_erase_another_user(self, as_user, admin):
        assert as_user.delete(f"/api/users/{admin.id}").status_code == 403

    def test_domain_of_erased_accounts_is_reserved(self, client):
        account = ACCOUNT | {"email": "ada@erased.invalid"}

        assert client.post("/api/auth/register", json=account).status_code == 422


def test_erased_service_account_can_be_created_again(session, as_admin):
    first = new_key(as_admin, service_account="warehouse")

    assert as_admin.delete(f"/api/users/{first['user_id']}").status_code == 204

    again = new_key(as_admin, service_account="warehouse")
    assert again["user_id"] != first["user_id"]
    assert session.get(User, first["user_id"]).role == Role.SERVICE
