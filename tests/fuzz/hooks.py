"""What schemathesis has to know of the service beyond its OpenAPI document."""

import os

import httpx
import schemathesis
from schemathesis.generation import GenerationMode

from services.demo import ADMIN, ADMIN_PASSWORD
from services.passwords import COMMON_PASSWORDS

URL = os.environ["FUZZED_URL"]


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    """The demo's administrator, signed in again whenever a case has signed it out."""

    def __init__(self):
        self.headers = {}

    def get(self, case, context):
        with httpx.Client(base_url=URL, timeout=30) as client:
            if client.get("/api/users/me", headers=self.headers).status_code != 200:
                credentials = {"email": ADMIN, "password": ADMIN_PASSWORD}
                token = client.post("/api/auth/login", json=credentials).json()["access_token"]
                self.headers = {"Authorization": f"Bearer {token}"}
        return self.headers

    def set(self, case, data, context):
        case.headers.update(data)


@schemathesis.hook
def filter_case(context, case):
    """No schema can say which cursors are signed and which passwords are common."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return True
    return not ((case.query or {}).get("cursor") or has_common_password(case.body))


def has_common_password(body):
    if not isinstance(body, dict):
        return False
    passwords = (body.get("password"), body.get("new_password"))
    return any(isinstance(word, str) and word.lower() in COMMON_PASSWORDS for word in passwords)
