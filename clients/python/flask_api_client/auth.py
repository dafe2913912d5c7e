"""Signed in, for as long as the session lives: tokens that have expired are exchanged."""

from collections.abc import Callable, Generator
from threading import Lock

import httpx

from flask_api_client.generated.models import Problem, Refresh, Tokens
from flask_api_client.problems import ApiProblem

KeepTokens = Callable[[Tokens], None]


class SessionAuth(httpx.Auth):
    """Puts the access token on each request. Threads may share it.

    Raises:
        ApiProblem: of `invalid-refresh-token` when the session has ended: sign in again.
    """

    def __init__(self, base_url: str, tokens: Tokens, keep: KeepTokens | None = None) -> None:
        self._refresh_url = base_url.rstrip("/") + "/api/auth/refresh"
        self._tokens = tokens
        self._keep = keep
        self._exchanging = Lock()

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        used = self._tokens
        response = yield authorized(request, used)
        if not expired(response):
            return
        # One at a time: a refresh token is good for one exchange, its reuse ends the session.
        with self._exchanging:
            if self._tokens is used:
                answer = yield self._exchange(used, request)
                self._take(answer)
        yield authorized(request, self._tokens)

    def _exchange(self, tokens: Tokens, request: httpx.Request) -> httpx.Request:
        body = Refresh(refresh_token=tokens.refresh_token).to_dict()
        # If the first answer is lost, so are its tokens: nothing gets worse by asking again.
        extensions = {**request.extensions, "repeatable": True}
        return httpx.Request("POST", self._refresh_url, json=body, extensions=extensions)

    def _take(self, answer: httpx.Response) -> None:
        answer.read()
        if answer.status_code != 200:
            raise ApiProblem(Problem.from_dict(answer.json()))
        self._tokens = Tokens.from_dict(answer.json())
        if self._keep:
            self._keep(self._tokens)


def authorized(request: httpx.Request, tokens: Tokens) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {tokens.access_token}"
    return request


def expired(response: httpx.Response) -> bool:
    """Whether the access token was refused (RFC 6750, section 3.1)."""
    challenge = response.headers.get("WWW-Authenticate", "")
    return response.status_code == 401 and 'error="invalid_token"' in challenge
