"""POST /api/auth/register: a new account."""

import unicodedata

import pytest

from tests.support.factories import PASSWORD

ACCOUNT = {"email": "jane@example.com", "password": PASSWORD}


class TestRegister:
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"email": None}, "/email"),
            ({"email": "no address"}, "/email"),
            ({"email": f"{'a' * 250}@example.com"}, "/email"),
            ({"email": f"{'a' * 65}@example.com"}, "/email"),
            ({"email": f"{'é' * 33}@example.com"}, "/email"),
            ({"email": f"{'a' * 60}@{('é' * 30 + '.') * 4}com"}, "/email"),
            ({"email": '"a\u0001x"@example.com'}, "/email"),
            ({"email": '"a\tx"@example.com'}, "/email"),
            ({"email": '"a\\\u007f"@example.com'}, "/email"),
            ({"email": "\u212aate@example.com"}, "/email"),
            ({"email": "kate@\u212aiosk.example"}, "/email"),
            ({"email": "\u017fam@example.com"}, "/email"),
            ({"email": "\uff4aane@example.com"}, "/email"),
            ({"email": "\ufb01ona@example.com"}, "/email"),
            ({"email": "jane@example。com"}, "/email"),
            ({"email": "jane@exa\u200bmple.com"}, "/email"),
            ({"email": "ja\u00adne@example.com"}, "/email"),
            ({"password": "7 chars"}, "/password"),
            ({"password": "x" * 129}, "/password"),
            ({"password": "PassWord1"}, "/password"),
            ({"name": "n" * 201}, "/name"),
            ({"phone": "415-555-0100"}, "/phone"),
            ({"role": "admin"}, "/role"),
        ],
    )
    def test_invalid_field_returns_422_with_a_pointer(self, client, change, pointer):
        response = client.post("/api/auth/register", json=ACCOUNT | change)

        assert response.status_code == 422
        assert {error["pointer"] for error in response.json["errors"]} == {pointer}

    def test_existing_address_returns_409_in_every_spelling(self, client, user):
        response = client.post("/api/auth/register", json=ACCOUNT | {"email": user.email.upper()})

        assert response.status_code == 409
        assert response.json["type"] == "/api/problems/email-taken"

    @pytest.mark.parametrize(
        ("typed", "stored"),
        [
            ("Jane@EXAMPLE.com", "jane@example.com"),
            ("jo\u0308rg@example.com", "jörg@example.com"),
            ("JÖRG@bücher.example", "jörg@bücher.example"),
            ('"jane..doe"@example.com', '"jane..doe"@example.com'),
            (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
            ("用户@例子.com", "用户@例子.com"),
        ],
        ids=ascii,
    )
    def test_unicode_forms_of_an_address_are_one_account(self, client, typed, stored):
        response = client.post("/api/auth/register", json=ACCOUNT | {"email": typed})

        assert (response.status_code, response.json.get("email")) == (201, stored)
        for email in (typed, stored):
            login = ACCOUNT | {"email": email}
            assert client.post("/api/auth/login", json=login).status_code == 200

    def test_returns_the_user_without_the_password(self, client):
        response = client.post("/api/auth/register", json=ACCOUNT | {"name": "Jane Doe"})

        assert response.status_code == 201
        assert response.headers["Location"] == "/api/users/me"
        fields = {"id", "email", "name", "phone", "role", "email_verified_at", "created_at"}
        assert response.json.keys() == fields
        assert response.json["id"].startswith("user_")
        assert (response.json["role"], response.json["phone"]) == ("user", None)

    @pytest.mark.parametrize(
        "password", [ACCOUNT["password"], "🔑 clé à molette \0\n", "x" * 128], ids=ascii
    )
    def test_account_can_sign_in_with_its_password_and_no_other(self, client, password):
        account = ACCOUNT | {"password": password}
        client.post("/api/auth/register", json=account)

        assert client.post("/api/auth/login", json=account).status_code == 200
        cut = account | {"password": password[:-1]}
        assert client.post("/api/auth/login", json=cut).status_code == 401

    @pytest.mark.parametrize("password", ["e\u0301" * 128, "\u00e9" * 128], ids=ascii)
    def test_length_of_a_password_is_counted_in_nfkc(self, client, password):
        assert (
            client.post("/api/auth/register", json=ACCOUNT | {"password": password}).status_code
            == 201
        )

    def test_password_too_short_in_nfkc_returns_422(self, client):
        account = ACCOUNT | {"password": "e\u0301" * 4}

        assert client.post("/api/auth/register", json=account).status_code == 422


@pytest.mark.parametrize("field", ["email", "password"])
@pytest.mark.parametrize("operation", ["login", "register"])
def test_long_password_is_rejected_before_normalization(client, monkeypatch, operation, field):
    """Normalizing 56 KB of accents takes seconds and would block the process."""
    lengths, normalize = [], unicodedata.normalize

    def measured(form, text):
        lengths.append(len(text))
        return normalize(form, text[:1000])

    monkeypatch.setattr(unicodedata, "normalize", measured)
    long = "a" + "\u0301" * 5000 + "\u0323" * 5000 + "@example.com"

    response = client.post(f"/api/auth/{operation}", json=ACCOUNT | {field: long})

    assert response.status_code == 422
    assert max(lengths, default=0) <= 4 * 128
