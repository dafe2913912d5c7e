"""What is no access token, and no harm either."""

import pytest

# Of 43 characters of base64 the last has two bits that a decoder drops.
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_token_whose_signature_has_other_spare_bits_is_a_401(as_user):
    token = as_user.tokens["access_token"]
    respelt = token[:-1] + BASE64[BASE64.index(token[-1]) ^ 1]

    answer = as_user.get("/api/users/me", headers={"Authorization": f"Bearer {respelt}"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "header", ["Basic \xff", "Bearer \xff", "Bearer", "\xff", ", ,", ", ,x", " , ,Bearer x"]
)
def test_header_that_is_none_is_a_401(client, header):
    answer = client.get("/api/users/me", headers={"Authorization": header})

    assert answer.status_code == 401


def test_token_of_one_request_is_not_that_of_the_next_in_one_context(app, as_user, client):
    with app.app_context():
        assert as_user.get("/api/users/me").status_code == 200
        assert client.get("/api/users/me").status_code == 401


def test_body_is_received_after_the_token_is_verified(client):
    too_large = b"x" * (1024 * 1024 + 1)

    answer = client.patch("/api/users/me", data=too_large, content_type="application/json")

    assert answer.status_code == 401
