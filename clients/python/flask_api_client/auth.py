"""Authentication with access tokens: refresh expired tokens."""

from collections.abc import Callable, Generator
from threading import Lock

import httpx

from flask_api_client.generated.api.auth import refresh
from flask_api_client.generated.client import Client
from flask_api_client.generated.models import Refresh, Tokens
from flask_api_client.problems import unwrap

KeepTokens = Callable[[Tokens], None]


class SessionAuth(httpx.Auth):
    """Add the access token to each request, and refresh it when it has expired. Thread-safe.

    Raises:
        ApiProblem: `invalid-refresh-token` if the session has ended; sign in again.
    """

    def __init__(self, anonymous: Client, tokens: Tokens, keep: KeepTokens | None = None) -> None:
        self._anonymous = anonymous
        self._tokens = tokens
        self._keep = keep
        self._exchanging = Lock()
        self._failure: Exception | None = None

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        used, failure = self._tokens, self._failure
        response = yield authorized(request, used)
        if not expired(response):
            return
        # One refresh at a time: the reuse of a refresh token ends the session.
        with self._exchanging:
            if self._tokens is used:
                self._exchange(used, failure)
        yield authorized(request, self._tokens)

    def _exchange(self, used: Tokens, known: Exception | None) -> None:
        if self._failure and self._failure is not known:
            raise self._failure  # this thread waited for a refresh that failed: do not repeat it
        body = Refresh(refresh_token=used.refresh_token)
        try:
            self._tokens = unwrap(refresh.sync_detailed(client=self._anonymous, body=body))
        except Exception as failure:
            self._failure = failure
            raise
        if self._keep:
            self._keep(self._tokens)


def authorized(request: httpx.Request, tokens: Tokens) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {tokens.access_token}"
    return request


def expired(response: httpx.Response) -> bool:
    """Return whether the service rejected the access token (RFC 6750, section 3.1)."""
    challenge = response.headers.get("WWW-Authenticate", "")
    return response.status_code == 401 and 'error="invalid_token"' in challenge
