"""Quotas: the state of a limit, the response headers, and the error of an exceeded limit."""

from dataclasses import dataclass
from typing import ClassVar

from marshmallow import fields

from schemas.base import StrictInteger
from schemas.problems import extension_member
from services.errors import Problem

DOCUMENTED = {
    "X-RateLimit-Limit": {
        "schema": {"type": "integer", "minimum": 1},
        "description": "How many requests there may be, of the limit that is nearest.",
        "example": 300,
    },
    "X-RateLimit-Remaining": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "How many of them are left.",
        "example": 299,
    },
    "X-RateLimit-Reset": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "When the next one is back, seconds since 1970 (Unix time).",
        "example": 1770733860,
    },
}


extension_member(
    "limit",
    fields.String(
        metadata={
            "description": "The limit that was exceeded; for `too-many-requests` only.",
            "example": "default",
        }
    ),
)
extension_member(
    "retry_after",
    StrictInteger(
        1,
        2**31 - 1,
        metadata={
            "description": "Seconds to wait, as in `Retry-After`; for `too-many-requests` only.",
            "example": 1,
        },
    ),
)


class TooManyRequests(Problem):
    status, slug, title = 429, "too-many-requests", "Too many requests"
    default_headers: ClassVar = {"Retry-After": "1"}
    detail = "Too many requests; Retry-After says how many seconds to wait."
    advice = (
        "Wait as many seconds as `Retry-After` says. `X-RateLimit-Remaining` tells beforehand how "
        "many requests are left, `X-RateLimit-Reset` when there are more."
    )

    example: ClassVar = {"limit": "default", "retry_after": 1}

    def __init__(self, limit: str, seconds: int) -> None:
        headers = {"Retry-After": str(seconds)}
        super().__init__(headers=headers, limit=limit, retry_after=seconds)
        self.limit = limit


@dataclass
class Quota:
    """State of a limit after the request was counted."""

    accepted: bool
    remaining: int
    limit: int
    reset_at: float  # Unix time
    key: str
    hit_at: float  # Unix time
