"""Webhook endpoints: create, read, change, delete, rotate the secret."""

from base64 import b64decode

import pytest
from loguru import logger
from sqlalchemy import update

from models.webhook_endpoints import WebhookEndpoint
from tests.support.api_keys import new_key, using
from tests.support.clients import ApiClient
from tests.support.webhooks import URL

BODY = {"url": "https://example.com/hook"}


@pytest.fixture
def endpoint(as_admin):
    """Return the response to the creation of an endpoint."""
    response = as_admin.post(URL, json=BODY)
    assert response.status_code == 201, response.text
    return response


@pytest.fixture
def location(endpoint):
    return endpoint.headers["Location"]


def pointers(response):
    assert response.status_code == 422, response.text
    return [error["pointer"] for error in response.json["errors"]]


class TestAccess:
    def test_administrators_and_keys_with_the_scope_may_manage_them(self, app, as_admin, as_user):
        key, other = new_key(as_admin, "webhooks:manage"), new_key(as_admin, "profile")

        assert as_user.post(URL, json=BODY).status_code == 403
        assert using(app, other["key"]).get(URL).status_code == 403
        assert using(app, key["key"]).post(URL, json=BODY).status_code == 201


class TestSecret:
    def test_is_in_the_response_to_the_creation_only(self, as_admin, endpoint, location):
        secret = endpoint.json["secret"]

        assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) >= 24
        shown = as_admin.get(location).json
        assert shown == {k: v for k, v in endpoint.json.items() if k != "secret"}
        assert as_admin.get(URL).json["items"] == [shown]
        changed = as_admin.patch(location, json={"description": "x"})
        assert secret not in changed.text

    def test_rotation_shows_a_new_one_and_the_end_of_the_previous_one(
        self, as_admin, endpoint, location
    ):
        rotated = as_admin.post(f"{location}/secret")

        assert rotated.status_code == 200
        assert rotated.json["secret"] != endpoint.json["secret"]
        assert rotated.json["previous_secret_expires_at"] > rotated.json["updated_at"]
        assert "secret" not in as_admin.get(location).json
        assert as_admin.post(f"{URL}/absent/secret").status_code == 404

    def test_is_not_in_the_log(self, as_admin):
        records = []
        sink = logger.add(lambda message: records.append(message.record), level="DEBUG")
        created = as_admin.post(URL, json=BODY)
        rotated = as_admin.post(f"{created.headers['Location']}/secret")
        logger.remove(sink)

        events = [(record["message"], record["extra"].get("endpoint")) for record in records]
        assert ("webhook_endpoint_created", created.json["id"]) in events
        assert ("webhook_secret_rotated", created.json["id"]) in events
        assert not any(each.json["secret"] in str(records) for each in (created, rotated))


class TestFields:
    def test_have_defaults(self, endpoint):
        assert endpoint.json["event_types"] == []
        assert (endpoint.json["enabled"], endpoint.json["description"]) == (True, "")
        assert endpoint.json["disabled_reason"] is None

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("url", "ftp://example.com"),
            ("url", "https://user:password@example.com/"),
            ("url", "https://127.0.0.1/"),
            ("url", "https://example.com:22/"),
            ("url", "x" * 2001),
            ("event_types", ["user.registered", "user.registered"]),
            ("event_types", None),
            ("description", "x" * 201),
            ("enabled", "yes"),
        ],
    )
    def test_invalid_field_is_named(self, as_admin, location, field, value):
        assert pointers(as_admin.post(URL, json={**BODY, field: value})) == [f"/{field}"]
        assert pointers(as_admin.patch(location, json={field: value})) == [f"/{field}"]

    def test_unknown_type_is_named(self, as_admin):
        body = {**BODY, "event_types": ["user.registered", "user.unknown"]}
        assert pointers(as_admin.post(URL, json=body)) == ["/event_types/1"]

    def test_production_requires_https(self, as_admin, make_app):
        client = ApiClient(make_app(flask_env="production", allowed_hosts=("localhost",)))
        client.tokens = as_admin.tokens
        body = {"url": "http://example.com:443/"}
        assert as_admin.post(URL, json=body).status_code == 201
        assert pointers(client.post(URL, json=body)) == ["/url"]


class TestChange:
    def test_omitted_fields_keep_their_values(self, as_admin, location):
        before = as_admin.get(location).json
        after = as_admin.patch(location, json={"event_types": ["user.registered"]}).json

        assert after == {
            **before,
            "event_types": ["user.registered"],
            "updated_at": after["updated_at"],
        }
        assert as_admin.get(location).json == after

    def test_enabling_it_again_removes_the_reason(self, as_admin, location, session):
        session.execute(update(WebhookEndpoint).values(enabled=False, disabled_reason="gone"))
        session.commit()
        assert as_admin.get(location).json["disabled_reason"] == "gone"

        changed = as_admin.patch(location, json={"enabled": True}).json

        assert (changed["enabled"], changed["disabled_reason"]) == (True, None)

    def test_stale_version_is_a_412(self, as_admin, endpoint, location):
        stale = {"If-Match": endpoint.headers["ETag"]}
        assert as_admin.patch(location, json={"enabled": False}, headers=stale).status_code == 200

        assert as_admin.patch(location, json={"enabled": True}, headers=stale).status_code == 412
        assert as_admin.delete(location, headers=stale).status_code == 412
        assert as_admin.get(location).json["enabled"] is False

    def test_cached_copy_is_a_304(self, as_admin, endpoint, location):
        cached = {"If-None-Match": endpoint.headers["ETag"]}
        assert as_admin.get(location, headers=cached).status_code == 304

    def test_deleted_one_is_a_404(self, as_admin, location):
        assert as_admin.delete(location).status_code == 204
        for response in (
            as_admin.get(location),
            as_admin.delete(location),
            as_admin.patch(location, json={"enabled": True}),
        ):
            assert response.status_code == 404


def test_pages_follow_each_other(as_admin):
    expected = [as_admin.post(URL, json=BODY).json["id"] for _ in range(3)][::-1]

    page = as_admin.get(f"{URL}?limit=2")
    rest = as_admin.get(page.headers["Link"].partition(">")[0].lstrip("<"))

    assert [each["id"] for each in page.json["items"] + rest.json["items"]] == expected
