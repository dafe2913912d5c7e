"""Second factors for tests: enrol a signed-in client, and compute codes."""

import time
from dataclasses import dataclass
from typing import Any

import pyotp

URL = "/api/users/me/second-factor"
LOGIN = "/api/auth/login"
STEP = 30


def code_of(secret: str, steps: int = 1) -> str:
    """Return the code of a time step, relative to the current one.

    The default is the next step: the service still accepts its code if this step begins meanwhile.
    """
    return pyotp.TOTP(secret).at(time.time(), counter_offset=steps)


def wrong_code(secret: str) -> str:
    """Return a code that the service does not accept now."""
    near = {code_of(secret, steps) for steps in range(-3, 4)}
    return next(code for code in map("{:06}".format, range(10)) if code not in near)


@dataclass
class Enrolled:
    """An account with a second factor; the code of the current time step is already used."""

    email: str
    password: str
    secret: str
    recovery_codes: list[str]

    def challenge(self, client: Any) -> str:
        """Sign in with the password, and return the challenge."""
        response = client.post(LOGIN, json={"email": self.email, "password": self.password})
        assert response.status_code == 401, response.text
        return body_of(response)["challenge"]

    def sign_in(self, client: Any, code: str) -> Any:
        """Sign in with the password and a code, and return the last response."""
        body = {"challenge": self.challenge(client), "code": code}
        return client.post(f"{LOGIN}/second-factor", json=body)


def enrolled(client: Any, email: str, password: str) -> Enrolled:
    """Turn the second factor of a signed-in client on, with the code of the current step."""
    secret = enrolment(client, password)["secret"]
    response = client.post(f"{URL}/confirm", json={"code": code_of(secret, 0)})
    assert response.status_code == 200, response.text
    return Enrolled(email, password, secret, body_of(response)["recovery_codes"])


def enrolment(client: Any, password: str) -> dict[str, str]:
    """Start to set up a second factor."""
    response = client.post(URL, json={"password": password})
    assert response.status_code == 201, response.text
    return body_of(response)


def body_of(response: Any) -> Any:
    """Return the JSON body of a response of Flask's test client or of httpx."""
    return response.json() if callable(response.json) else response.json
