"""Run the samples of the OpenAPI document, with ids of existing rows in place of the examples."""

import re
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from models.account_tokens import TokenPurpose
from tests.support.openapi import Operation, composed
from tests.support.second_factors import URL, code_of, enrolled, enrolment
from tests.support.servers import BASE

COMMANDS = {
    "Shell": ["bash", "-c"],
    "Python": [sys.executable, "-c"],
    "TypeScript": ["node", "--input-type=module", "--eval"],
}
PURPOSES = {
    "/api/auth/verify-email": TokenPurpose.VERIFY_EMAIL,
    "/api/auth/confirm-email": TokenPurpose.CHANGE_EMAIL,
    "/api/auth/reset-password": TokenPurpose.RESET_PASSWORD,
}
# Header examples that are replaced by the `ETag` of the resource.
VERSION = r"1-64a7917240a00"


@dataclass(frozen=True)
class Caller:
    """A signed-in administrator, with the operations of the document."""

    client: httpx.Client
    email: str
    password: str
    tokens: dict[str, Any]
    operations: list[Operation]
    schemas: dict[str, Any]
    # Creates a token like those in mails to the caller.
    new_token: Callable[[TokenPurpose], str]

    def run(self, operation: Operation, language: str) -> subprocess.CompletedProcess[str]:
        """Run the sample of the operation with the access token in `TOKEN`."""
        samples = operation.doc["x-codeSamples"]
        (source,) = [sample["source"] for sample in samples if sample["lang"] == language]
        return subprocess.run(
            [*COMMANDS[language], self.with_real_values(source, operation)],
            env={**BASE, "TOKEN": self.tokens["access_token"]},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def with_real_values(self, source: str, operation: Operation) -> str:
        """Replace the ids, accounts, tokens and versions of the examples."""
        shown, path = self.shown_path(operation), self.real_path(operation.path)
        source = source.replace(shown, path)
        example, real = self.body(operation)
        real |= self.second_factor(operation, example.keys())
        for name, value in example.items():
            if value != real[name]:
                for mark in ('"', "'"):
                    source = source.replace(f"{mark}{value}{mark}", f"{mark}{real[name]}{mark}")
        if VERSION in source:
            source = source.replace(VERSION, self.client.get(path).headers["ETag"].strip('"'))
        return source

    def second_factor(self, operation: Operation, fields: Collection[str]) -> dict[str, Any]:
        """Return a code and a challenge; set up the second factor that the operation needs."""
        if operation.path == f"{URL}/confirm":
            return {"code": code_of(enrolment(self.client, self.password)["secret"])}
        if operation.path != f"{URL}/recovery-codes" and "code" not in fields:
            return {}
        factor = enrolled(self.client, self.email, self.password)
        challenge = factor.challenge(self.client) if "challenge" in fields else None
        return {"code": factor.recovery_codes[0], "challenge": challenge}

    def shown_path(self, operation: Operation) -> str:
        examples = {p["name"]: p["example"] for p in operation.parameters if p["in"] == "path"}
        return operation.path.format(**examples)

    def real_path(self, path: str) -> str:
        """Replace each parameter by the id of a new resource, or of the newest one."""
        while match := re.search(r"/\{\w+\}", path):
            path = (
                f"{path[: match.start()]}/{self.new_id(path[: match.start()])}{path[match.end() :]}"
            )
        return path

    def new_id(self, collection: str) -> str:
        for operation in self.operations:
            if (operation.method, operation.path) == ("post", collection):
                _, body = self.body(operation)
                return self.client.post(collection, json=body).raise_for_status().json()["id"]
        if collection.endswith("/deliveries"):  # a new endpoint has no deliveries
            test = f"{collection.removesuffix('deliveries')}test"
            return self.client.post(test).raise_for_status().json()["id"]
        return self.client.get(collection).raise_for_status().json()["items"][0]["id"]

    def body(self, operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the example of the body, and a body that the service accepts."""
        if not operation.body:
            return {}, {}
        example = operation.body.get("example") or composed(operation.body["schema"], self.schemas)
        creates = "201" in operation.successes
        real = {"refresh_token": self.tokens["refresh_token"], "email": self.email}
        if purpose := PURPOSES.get(operation.path):
            real["token"] = self.new_token(purpose)
        if creates:
            new = f"new-{uuid4().hex[:20]}"
            real |= {"email": f"{new}@example.com", "id": new, "service_account": new}
        return example, example | {name: real[name] for name in real.keys() & example.keys()}
