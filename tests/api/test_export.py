"""GET /api/users/me/export: all data about a person."""

import json

import pytest

from models.events import EventType
from tests.support.api_keys import new_key, using
from tests.support.factories import PASSWORD
from tests.support.openapi import faults
from tests.support.personal_data import DATA, signed_up

URL = "/api/users/me/export"


@pytest.fixture
def person(app, session):
    return signed_up(app)


@pytest.fixture
def schema(operations):
    [export] = [each for each in operations if each.name == "exportProfile"]
    return export.successes["200"]["content"]["application/json"]["schema"]


class TestExport:
    def test_has_all_data_of_the_person(self, person, document, schema):
        response = person[1].get(URL)

        assert response.status_code == 200
        assert faults(schema, response.json, document) == []
        assert [value for value in DATA if value not in json.dumps(response.json)] == []

    def test_has_no_secrets(self, session, person):
        exported = json.dumps(person[1].get(URL).json)

        assert PASSWORD not in exported
        assert "argon2" not in exported
        for name in ("password", "hash", "digest", "fingerprint", "token"):
            assert f"{name}" not in exported

    def test_has_ended_sessions_and_keys(self, app, person):
        _, client = person
        key_id = client.get("/api/api-keys").json["items"][0]["id"]
        client.delete(f"/api/api-keys/{key_id}")
        login = {"email": DATA[0], "password": PASSWORD}
        client.tokens = client.post("/api/auth/login", json=login).json
        client.post("/api/auth/logout", json={"sessions": "others"})

        exported = client.get(URL).json

        assert [bool(each["revoked_at"]) for each in exported["sessions"]] == [True, False]
        assert [bool(each["revoked_at"]) for each in exported["api_keys"]] == [True]

    def test_has_events_by_and_about_the_person_without_other_actors(self, person, as_admin, admin):
        user_id, client = person
        as_admin.patch(f"/api/users/{user_id}", json={"role": "admin"})

        response = client.get(URL)

        by_type = {event["type"]: event for event in response.json["events"]}
        assert by_type[EventType.USER_REGISTERED]["actor"] == user_id
        assert by_type[EventType.API_KEY_CREATED]["actor"] == user_id
        assert by_type[EventType.USER_ROLE_CHANGED]["actor"] is None
        assert admin.id not in response.text

    def test_has_no_data_of_another_user(self, app, person, user, as_user):
        new_key(as_user, name="secret name")

        exported = person[1].get(URL).text
        others = as_user.get(URL).text

        assert [value for value in (user.id, user.email, "secret name") if value in exported] == []
        assert [value for value in (person[0], *DATA[:4]) if value in others] == []


class TestAccess:
    def test_api_key_cannot_export(self, app, as_user):
        assert using(app, new_key(as_user, "profile")["key"]).get(URL).status_code == 403

    def test_exports_are_limited_per_user(self, limited, user, admin):
        client = limited(rate_limit_export="2 per hour").signed_in(user)

        assert [client.get(URL).status_code for _ in range(3)] == [200, 200, 429]
        assert client.signed_in(admin).get(URL).status_code == 200
