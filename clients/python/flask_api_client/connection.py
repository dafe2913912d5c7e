"""Clients for the generated operations: anonymous, with a session or with an API key.

`transport` creates the httpx transport. Use it for a proxy, for your own certificates, or for
another retry limit: `lambda: RetryTransport(httpx.HTTPTransport(verify=context), patience=60)`.
"""

from collections.abc import Callable
from typing import Any

import httpx

from flask_api_client.auth import KeepTokens, SessionAuth
from flask_api_client.foreign import ProblemTransport
from flask_api_client.generated.api.auth import login, login_with_second_factor
from flask_api_client.generated.client import AuthenticatedClient, Client
from flask_api_client.generated.models import Credentials, SecondFactorLogin, Tokens
from flask_api_client.problems import ApiProblem, unwrap
from flask_api_client.retry import RetryTransport

NewTransport = Callable[[], httpx.BaseTransport]
# Seconds for each connect, read and write of an attempt.
TIMEOUT = httpx.Timeout(10)


def connect(base_url: str, *, transport: NewTransport = RetryTransport) -> Client:
    """Return an anonymous client."""
    return Client(
        base_url, timeout=TIMEOUT, httpx_args={"transport": ProblemTransport(transport())}
    )


def with_api_key(
    base_url: str, api_key: str, *, transport: NewTransport = RetryTransport
) -> AuthenticatedClient:
    """Return a client with an API key, which needs no refresh."""
    arguments: dict[str, Any] = {"transport": ProblemTransport(transport())}
    return AuthenticatedClient(base_url, token=api_key, timeout=TIMEOUT, httpx_args=arguments)


def sign_in(
    base_url: str,
    email: str,
    password: str,
    *,
    code: Callable[[], str] | None = None,
    keep: KeepTokens | None = None,
    transport: NewTransport = RetryTransport,
) -> AuthenticatedClient:
    """Sign in, and return a client with the new session; see `resume` for `keep`.

    Args:
        code: Called for a code if the account has a second factor.

    Raises:
        ApiProblem: The service returned an error, such as `wrong-credentials`.
    """
    body = Credentials(email=email, password=password)
    with connect(base_url, transport=transport) as anonymous:
        tokens = _tokens(anonymous, body, code)
    if keep:
        keep(tokens)
    return resume(base_url, tokens, keep=keep, transport=transport)


def _tokens(anonymous: Client, credentials: Credentials, code: Callable[[], str] | None) -> Tokens:
    try:
        return unwrap(login.sync_detailed(client=anonymous, body=credentials))
    except ApiProblem as problem:
        if code is None or not problem.has_type("second-factor-required"):
            raise
        challenge = str(problem.problem.challenge)
    body = SecondFactorLogin(challenge=challenge, code=code())
    return unwrap(login_with_second_factor.sync_detailed(client=anonymous, body=body))


def resume(
    base_url: str,
    tokens: Tokens,
    *,
    keep: KeepTokens | None = None,
    transport: NewTransport = RetryTransport,
) -> AuthenticatedClient:
    """Return a client with an existing session.

    Args:
        keep: Called with the new tokens after each refresh; the old ones are no longer valid.
    """
    arguments: dict[str, Any] = {"transport": ProblemTransport(transport())}
    anonymous = Client(base_url, timeout=TIMEOUT, httpx_args=arguments)
    arguments = arguments | {"auth": SessionAuth(anonymous, tokens, keep)}
    return AuthenticatedClient(
        base_url, token=tokens.access_token, timeout=TIMEOUT, httpx_args=arguments
    )
