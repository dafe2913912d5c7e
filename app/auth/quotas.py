"""Rate limit quotas: state of a limit, documented response headers, and the 429 error."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import fields

from schemas.base import StrictInteger
from schemas.problems import extension_member
from services.errors import Problem

# https://www.ietf.org/archive/id/draft-ietf-httpapi-ratelimit-headers-10.html
DOCUMENTED: dict[str, dict[str, Any]] = {
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": "Rate limits that counted this request: `q` requests in `w` seconds.",
        "example": '"default";q=300;w=60',
    },
    "RateLimit": {
        "schema": {"type": "string"},
        "description": "`r` requests left under each limit; the next is available in `t` seconds.",
        "example": '"default";r=299;t=60',
    },
    "X-RateLimit-Limit": {
        "schema": {"type": "integer", "minimum": 1},
        "description": "Size of the rate limit with the fewest requests left.",
        "example": 300,
    },
    "X-RateLimit-Remaining": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "Requests left under this limit.",
        "example": 299,
    },
    "X-RateLimit-Reset": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "Unix time (seconds) at which the next request becomes available.",
        "example": 1770733860,
    },
}


extension_member(
    "limit",
    fields.String(
        metadata={
            "description": "The exceeded limit; only for `too-many-requests`.",
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
            "description": "Seconds to wait, as in `Retry-After`; only for `too-many-requests`.",
            "example": 1,
        },
    ),
)


class TooManyRequests(Problem):
    status, slug, title = 429, "too-many-requests", "Too many requests"
    default_headers: ClassVar = {"Retry-After": "1"}
    detail = "You exceeded a rate limit; retry after the seconds in Retry-After."
    advice = (
        "Wait for the seconds in `Retry-After`, then retry. To avoid this error, slow down when "
        "`X-RateLimit-Remaining` is low; `X-RateLimit-Reset` is the time of the next request."
    )

    example: ClassVar = {"limit": "default", "retry_after": 1}

    def __init__(self, limit: str, seconds: int) -> None:
        headers = {"Retry-After": str(seconds)}
        super().__init__(headers=headers, limit=limit, retry_after=seconds)
        self.limit = limit


@dataclass
class Quota:
    """State of a limit after it counted the request."""

    name: str
    policy_name: str  # the name and, if the limit has several rates, the rate
    accepted: bool
    remaining: int
    limit: int
    seconds: int  # length of the window
    reset_at: float  # Unix time
    key: str
    hit_at: float  # Unix time

    @property
    def policy(self) -> str:
        return f'"{self.policy_name}";q={self.limit};w={self.seconds}'

    def state(self, now: float) -> str:
        """Return the requests left and the seconds until the next one is available."""
        seconds = max(0, math.ceil(self.reset_at - now))
        return f'"{self.policy_name}";r={self.remaining};t={seconds}'
