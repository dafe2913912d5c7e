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
    """What is well by the schemas, and refused for what no schema can say."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return True
    signed_cursor = "cursor" in (case.query or {})
    return not (signed_cursor or common_password(case.body) or twice(case.body) or real(case.body))


def common_password(body):
    if not isinstance(body, dict):
        return False
    passwords = (body.get("password"), body.get("new_password"))
    return any(isinstance(word, str) and word.lower() in COMMON_PASSWORDS for word in passwords)


def twice(body):
    """Whether a product is there twice."""
    items = body.get("items") if isinstance(body, dict) else None
    ids = [str(item.get("product_id")) for item in items or () if isinstance(item, dict)]
    return len(set(ids)) < len(ids)


def real(value):
    """Whether there is a 1.0 in it: an integer to JSON Schema, and none to this service."""
    if isinstance(value, dict):
        return any(real(each) for each in value.values())
    if isinstance(value, list):
        return any(real(each) for each in value)
    return isinstance(value, float)
