"""API keys: create, list, get, revoke."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from loguru import logger
from sqlalchemy import func, select, update

from app.openapi.samples import example
from models.api_keys import APIKey
from models.users import Role, User
from schemas.api_keys import NewAPIKeySchema
from services import passwords
from services.key_format import KEY, checksum, digest, has_valid_checksum
from tests.support.api_keys import URL, new_key, using
from tests.support.clients import ApiClient
from tests.support.factories import UserFactory


@pytest.fixture
def as_other(app, session) -> ApiClient:
    return ApiClient(app).signed_in(UserFactory())


def ids(response):
    return [item["id"] for item in response.json["items"]]


def pointers(response):
    assert response.status_code == 422, response.text
    return [error["pointer"] for error in response.json["errors"]]


class TestFormat:
    def test_has_a_prefix_and_a_checksum_for_secret_scanners(self, as_user):
        key = new_key(as_user)["key"]

        assert KEY.fullmatch(key)
        assert has_valid_checksum(key)
        changed = "a" if key[10] != "a" else "b"
        assert not has_valid_checksum(key[:10] + changed + key[11:])

    def test_checksum_is_the_crc32_in_base62(self):
        # CRC32 of "123456789" is 0xCBF43926 (the check value of the algorithm): 3,421,780,262.
        value = 0
        for digit in checksum("123456789"):
            value = value * 62 + (
                "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(digit)
            )
        assert value == 0xCBF43926


class TestCreate:
    def test_returns_the_key_once_and_stores_its_digest(self, as_user, session, user):
        created = as_user.post(URL, json={"name": "export", "scopes": ["orders:read"]})

        key = created.json.pop("key")
        assert created.headers["Location"] == f"{URL}/{created.json['id']}"
        assert session.scalars(select(APIKey.digest)).all() == [digest(key)]
        shown = {name: created.json[name] for name in created.json if name != "key"}
        assert as_user.get(created.headers["Location"]).json == shown
        assert shown["user_id"] == user.id
        assert (shown["service_account"], shown["expires_at"], shown["last_used_at"]) == (None,) * 3

    def test_may_expire_before_the_response(self, as_user, monkeypatch):
        monkeypatch.setattr(NewAPIKeySchema, "in_the_future", lambda *_, **__: None)

        assert new_key(as_user, expires_at="2020-01-01T00:00:00Z")["last_used_at"] is None

    def test_documented_example_works_for_every_user(self, as_user):
        schemas = as_user.get("/api/openapi.json").json["components"]["schemas"]

        body = example(schemas["NewAPIKey"], schemas)

        assert as_user.post(URL, json=body).status_code == 201

    def test_scope_that_no_key_may_have_is_named(self, as_admin):
        body = {"name": "x", "scopes": ["profile", "credentials"]}
        assert pointers(as_admin.post(URL, json=body)) == ["/scopes/1"]

    def test_scope_that_the_creator_lacks_is_named(self, as_user):
        body = {"name": "x", "scopes": ["profile", "users:manage"]}
        assert pointers(as_user.post(URL, json=body)) == ["/scopes/1"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("scopes", []),
            ("scopes", ["profile", "profile"]),
            ("name", ""),
            ("name", "x" * 101),
            ("expires_at", "2020-01-01T00:00:00Z"),
            ("service_account", "Not OK"),
        ],
    )
    def test_invalid_field_is_named(self, as_admin, field, value):
        body = {"name": "x", "scopes": ["profile"], field: value}
        assert pointers(as_admin.post(URL, json=body)) == [f"/{field}"]

    def test_third_key_is_a_409_until_one_has_ended(self, as_user, session):
        first, _ = new_key(as_user), new_key(as_user)
        third = {"name": "x", "scopes": ["profile"]}

        refused = as_user.post(URL, json=third)

        assert (refused.status_code, refused.json["type"]) == (
            409,
            "/api/problems/too-many-api-keys",
        )
        as_user.delete(f"{URL}/{first['id']}")
        assert as_user.post(URL, json=third).status_code == 201

    def test_ten_parallel_requests_create_two(self, app, use_engine, own_engine):
        use_engine(own_engine)
        account = {"email": "a@example.com", "password": "correct horse battery staple"}
        client = ApiClient(app)
        client.post("/api/auth/register", json=account)
        tokens = client.post("/api/auth/login", json=account).json

        def create(_):
            each = ApiClient(app)
            each.tokens = tokens
            return each.post(URL, json={"name": "x", "scopes": ["profile"]}).status_code

        with ThreadPoolExecutor(10) as threads:
            statuses = sorted(threads.map(create, range(10)))

        assert statuses == [201] * 2 + [409] * 8


class TestServiceAccount:
    def test_user_may_not_create_one(self, as_user):
        body = {"name": "x", "scopes": ["profile"], "service_account": "warehouse"}
        assert as_user.post(URL, json=body).status_code == 403

    def test_is_created_once_and_administrators_see_and_deactivate_it(self, app, as_admin):
        keys = [new_key(as_admin, service_account="warehouse") for _ in range(2)]

        assert {key["service_account"] for key in keys} == {"warehouse"}
        (account,) = as_admin.get("/api/users?role=service").json["items"]
        assert {key["user_id"] for key in keys} == {account["id"]}
        assert account["email"] == "warehouse@service-account.invalid"
        program = using(app, keys[0]["key"])
        assert program.get("/api/users/me").status_code == 200
        as_admin.patch(f"/api/users/{account['id']}", json={"is_active": False})
        assert program.get("/api/users/me").status_code == 401
        refused = {"name": "x", "scopes": ["profile"], "service_account": "warehouse"}
        assert pointers(as_admin.post(URL, json=refused)) == ["/service_account"]

    def test_scope_that_its_role_lacks_is_named(self, as_admin):
        body = {"name": "x", "scopes": ["users:manage"], "service_account": "warehouse"}
        assert pointers(as_admin.post(URL, json=body)) == ["/scopes/0"]

    def test_keeps_its_role_and_users_do_not_get_it(self, as_admin, user):
        account = new_key(as_admin, service_account="warehouse")["user_id"]
        for user_id, role in ((account, "admin"), (account, "user"), (user.id, "service")):
            response = as_admin.patch(f"/api/users/{user_id}", json={"role": role})
            assert pointers(response) == ["/role"]
        assert as_admin.get(f"/api/users/{account}").json["role"] == "service"

    def test_its_address_cannot_be_registered(self, client):
        body = {"email": "x@Service-Account.invalid", "password": "correct horse battery staple"}
        assert pointers(client.post("/api/auth/register", json=body)) == ["/email"]

    def test_has_a_hash_that_takes_the_time_of_others_and_matches_nothing(self, as_admin, session):
        new_key(as_admin, service_account="warehouse")
        stored = session.scalars(select(User.password_hash).where(User.role == Role.SERVICE)).one()

        assert stored == passwords.UNUSABLE
        assert passwords.UNUSABLE.startswith("$argon2id$")
        credentials = {"email": "warehouse@service-account.invalid", "password": stored}
        assert as_admin.post("/api/auth/login", json=credentials).status_code == 401


class TestRead:
    def test_user_gets_their_own_and_an_administrator_all(self, as_user, as_other, as_admin):
        mine, theirs = new_key(as_user)["id"], new_key(as_other)["id"]

        assert ids(as_user.get(URL)) == [mine]
        assert ids(as_admin.get(URL)) == [theirs, mine]
        assert as_user.get(f"{URL}/{theirs}").status_code == 404
        assert as_admin.get(f"{URL}/{theirs}").status_code == 200

    def test_pages_follow_each_other(self, as_user, as_other, as_admin):
        expected = [new_key(client)["id"] for client in (as_user, as_other, as_admin)][::-1]

        page = as_admin.get(f"{URL}?limit=2")
        rest = as_admin.get(page.headers["Link"].partition(">")[0].lstrip("<"))

        assert ids(page) + ids(rest) == expected

    def test_key_that_has_ended_is_a_404_and_not_listed(self, as_user, session):
        revoked, expired = new_key(as_user)["id"], new_key(as_user)["id"]
        as_user.delete(f"{URL}/{revoked}")
        past = func.now() - timedelta(seconds=1)
        session.execute(update(APIKey).where(APIKey.id == expired).values(expires_at=past))
        session.commit()

        assert ids(as_user.get(URL)) == []
        for key_id in (revoked, expired):
            assert as_user.get(f"{URL}/{key_id}").status_code == 404


class TestRevoke:
    def test_owner_and_administrator_may_and_a_retry_is_a_404(self, as_user, as_admin):
        for client in (as_user, as_admin):
            url = f"{URL}/{new_key(as_user)['id']}"
            assert client.delete(url).status_code == 204
            assert client.delete(url).status_code == 404

    def test_key_of_another_user_is_a_404_and_stays(self, app, as_user, as_other):
        key = new_key(as_user)

        assert as_other.delete(f"{URL}/{key['id']}").status_code == 404
        assert using(app, key["key"]).get("/api/users/me").status_code == 200

    def test_creation_and_revocation_are_logged_by_id(self, as_user):
        records = []
        sink = logger.add(lambda message: records.append(message.record), level="INFO")
        key = new_key(as_user)
        as_user.delete(f"{URL}/{key['id']}")
        logger.remove(sink)

        events = [(record["message"], record["extra"].get("key")) for record in records]
        assert ("api_key_created", key["id"]) in events
        assert ("api_key_revoked", key["id"]) in events
        assert key["key"] not in str(records)


class TestRateLimit:
    def test_new_keys_of_a_user_are_limited(self, limited, user):
        """Each key has a limit of its own, so new keys would multiply the limit of a user."""
        client = limited(rate_limit_new_api_key="2 per hour").signed_in(user)
        statuses = []
        for _ in range(3):
            response = client.post(URL, json={"name": "test", "scopes": ["profile"]})
            statuses.append(response.status_code)
            client.delete(f"{URL}/{response.json.get('id')}")

        assert statuses == [201, 201, 429]
