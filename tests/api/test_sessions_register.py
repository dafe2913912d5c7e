"""POST /api/auth/register: a new account."""

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
            ({"password": "7 chars"}, "/password"),
            ({"password": "x" * 129}, "/password"),
            ({"password": "PassWord1"}, "/password"),
            ({"name": "n" * 201}, "/name"),
            ({"phone": "415-555-0100"}, "/phone"),
            ({"role": "admin"}, "/role"),
        ],
    )
    def test_bad_field_is_a_422_that_points_at_it(self, client, change, pointer):
        answer = client.post("/api/auth/register", json=ACCOUNT | change)

        assert answer.status_code == 422
        assert {error["pointer"] for error in answer.json["errors"]} == {pointer}

    def test_taken_address_is_a_409_however_it_is_typed(self, client, user):
        answer = client.post("/api/auth/register", json=ACCOUNT | {"email": user.email.upper()})

        assert answer.status_code == 409
        assert answer.json["type"] == "/api/problems/email-taken"

    def test_answers_the_user_without_the_password(self, client):
        answer = client.post("/api/auth/register", json=ACCOUNT | {"name": "Jane Doe"})

        assert answer.status_code == 201
        assert answer.headers["Location"] == "/api/users/me"
        assert answer.json.keys() == {"id", "email", "name", "phone", "role", "created_at"}
        assert answer.json["id"].startswith("user_")
        assert (answer.json["role"], answer.json["phone"]) == ("user", None)

    @pytest.mark.parametrize(
        "password", [ACCOUNT["password"], "🔑 clé à molette \0\n", "x" * 128], ids=ascii
    )
    def test_account_can_sign_in_with_its_password_and_no_other(self, client, password):
        account = ACCOUNT | {"password": password}
        client.post("/api/auth/register", json=account)

        assert client.post("/api/auth/login", json=account).status_code == 200
        cut = account | {"password": password[:-1]}
        assert client.post("/api/auth/login", json=cut).status_code == 401
