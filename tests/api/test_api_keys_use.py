"""Last use of an API key."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from sqlalchemy import func, select, update

from models.api_keys import APIKey
from tests.support.api_keys import new_key, using

ME = "/api/users/me"


class TestLastUse:
    @pytest.fixture
    def last_use(self, session):
        return lambda: session.scalars(select(APIKey.last_used_at)).one()

    def test_is_recorded_also_for_a_refused_request(self, app, as_user, last_use):
        client = using(app, new_key(as_user)["key"])

        assert client.get("/api/users").status_code == 403

        assert last_use() is not None

    def test_is_recorded_again_only_after_a_minute(self, app, as_user, session, last_use):
        client = using(app, new_key(as_user)["key"])
        for seconds, written in ((50, False), (70, True)):
            before = session.scalar(select(func.now() - timedelta(seconds=seconds)))
            session.execute(update(APIKey).values(last_used_at=before))
            session.commit()

            client.get(ME)

            assert (last_use() != before) is written

    def test_is_not_recorded_while_the_pool_is_used_up(
        self, app, as_user, last_use, logged, monkeypatch
    ):
        client = using(app, new_key(as_user)["key"])
        busy = Mock(pool=Mock(checkedout=lambda: 5, size=lambda: 5))
        monkeypatch.setitem(app.extensions, "database", busy)

        assert client.get(ME).status_code == 200

        assert (last_use(), logged) == (None, [])

    def test_failure_does_not_change_the_response(self, app, as_user, monkeypatch, logged):
        client = using(app, new_key(as_user)["key"])
        monkeypatch.setattr("services.api_keys.record_use", lambda *_: 1 / 0)

        assert client.get(ME).status_code == 200

        assert [record["message"] for record in logged] == [
            "The use of an API key was not recorded: ZeroDivisionError"
        ]
