"""Hooks for schemathesis: authentication and rules that the document cannot express."""

import os
import secrets
import subprocess
import sys

import httpx
import schemathesis
from schemathesis.generation import GenerationMode

from services.passwords import COMMON_PASSWORDS

URL = os.environ["FUZZED_URL"]


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    """Signs in an administrator, and another administrator after a case has ended the session."""

    def __init__(self):
        self.headers = {}

    def get(self, case, context):
        with httpx.Client(base_url=URL, timeout=30) as client:
            if client.get("/api/users", headers=self.headers).status_code != 200:
                token = client.post("/api/auth/login", json=new_admin()).json()["access_token"]
                self.headers = {"Authorization": f"Bearer {token}"}
        return self.headers

    def set(self, case, data, context):
        case.headers.update(data)


def new_admin():
    """Return the credentials of a new administrator."""
    email, password = f"{secrets.token_hex(8)}@example.com", secrets.token_urlsafe()
    flask = [sys.executable, "-m", "flask", "users", "create-admin", email, "--password", password]
    subprocess.run(flask, check=True, stdout=subprocess.DEVNULL)
    return {"email": email, "password": password}


@schemathesis.hook
def filter_case(context, case):
    """Skip cases that match the schema, but break a rule that a JSON schema cannot express."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return True
    signed_cursor = "cursor" in (case.query or {})
    return not (signed_cursor or common_password(case.body) or real(case.body))


def common_password(body):
    if not isinstance(body, dict):
        return False
    passwords = (body.get("password"), body.get("new_password"))
    return any(isinstance(word, str) and word.lower() in COMMON_PASSWORDS for word in passwords)


def real(value):
    """Return whether the value contains a float such as 1.0, which JSON Schema calls an integer."""
    if isinstance(value, dict):
        return any(real(each) for each in value.values())
    if isinstance(value, list):
        return any(real(each) for each in value)
    return isinstance(value, float)
