"""Events of accounts, sessions and API keys; their list is GET /api/events."""

import pytest
from sqlalchemy.orm import Session

from models.events import EventType
from models.users import Role
from services import users
from tests.support.api_keys import new_key, using
from tests.support.clients import ApiClient
from tests.support.events import CAUSES, World, check_no_personal_data, check_recorded, recorded
from tests.support.factories import PASSWORD, UserFactory

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}


@pytest.fixture
def world(app, session, user, admin, as_user, as_admin):
    return World(app, session, user, admin, as_user, as_admin)


class TestRecords:
    @pytest.mark.parametrize("event_type", CAUSES)
    def test_request_records_its_event(self, world, event_type):
        check_recorded(world.session, event_type, CAUSES[event_type](world))

    def test_events_have_no_personal_data(self, world):
        for cause in CAUSES.values():
            cause(world)

        check_no_personal_data(world.session)

    def test_actor_is_the_api_key(self, app, as_admin, session):
        key = new_key(as_admin, "users:manage")
        user = UserFactory()
        using(app, key["key"]).patch(f"/api/users/{user.id}", json={"is_active": False})

        [event] = recorded(session, EventType.USER_DEACTIVATED)
        assert event.actor_id == key["id"]

    def test_actor_of_a_command_is_the_system(self, app, session):
        args = ["users", "create-admin", "ada@example.com", "--password", PASSWORD]
        result = app.test_cli_runner().invoke(args=args)

        assert result.exit_code == 0, result.output
        [event] = recorded(session, EventType.USER_REGISTERED)
        assert (event.actor_id, event.request_id, event.data) == (None, None, {"role": "admin"})

    def test_service_account_is_registered_once(self, as_admin, admin, session):
        for name in ("one", "two"):
            new_key(as_admin, name=name, service_account="warehouse")

        [event] = recorded(session, EventType.USER_REGISTERED)
        assert (event.actor_id, event.data) == (admin.id, {"role": "service"})

    def test_user_is_deactivated_once(self, as_admin, session):
        user = UserFactory()
        for change in ({"is_active": False}, {"is_active": False}, {"role": "admin"}):
            assert as_admin.patch(f"/api/users/{user.id}", json=change).status_code == 200

        assert len(recorded(session, EventType.USER_DEACTIVATED)) == 1


class TestTransaction:
    def test_event_belongs_to_the_transaction_of_its_change(
        self, app, own_engine, use_engine, seen
    ):
        use_engine(own_engine)
        ApiClient(app).post("/api/auth/register", json=ACCOUNT)

        # xmin is the lower half of the number of the transaction that inserted the row.
        same = "SELECT txid & 4294967295 = users.xmin::text::bigint FROM events, users"
        assert seen(same) == [(True,)]

    def test_event_is_rolled_back_with_its_change(self, own_engine, seen):
        with Session(own_engine) as session:
            users.register(session, **ACCOUNT, role=Role.USER)
            assert len(recorded(session)) == 1
            session.rollback()

        assert seen("SELECT id FROM events") == seen("SELECT id FROM users") == []
