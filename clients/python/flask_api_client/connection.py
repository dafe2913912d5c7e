"""What the operations take as `client`: with nobody signed in, or with a session.

`transport` makes what sends the requests: for a proxy, certificates of your own, another patience.
Such as `lambda: RetryTransport(httpx.HTTPTransport(verify=context), patience=60)`.
"""

from collections.abc import Callable
from typing import Any

import httpx

from flask_api_client.auth import KeepTokens, SessionAuth
from flask_api_client.foreign import ProblemTransport
from flask_api_client.generated.api.auth import login
from flask_api_client.generated.client import AuthenticatedClient, Client
from flask_api_client.generated.models import Credentials, Tokens
from flask_api_client.problems import unwrap
from flask_api_client.retry import RetryTransport

NewTransport = Callable[[], httpx.BaseTransport]
# Of each attempt, seconds.
TIMEOUT = httpx.Timeout(10)


def connect(base_url: str, *, transport: NewTransport = RetryTransport) -> Client:
    """A client with nobody signed in."""
    return Client(
        base_url, timeout=TIMEOUT, httpx_args={"transport": ProblemTransport(transport())}
    )


def sign_in(
    base_url: str,
    email: str,
    password: str,
    *,
    keep: KeepTokens | None = None,
    transport: NewTransport = RetryTransport,
) -> AuthenticatedClient:
    """A client with a new session; see `resume` for what `keep` is.

    Raises:
        ApiProblem: of `wrong-credentials`, or of what else the service refuses with.
    """
    body = Credentials(email=email, password=password)
    with connect(base_url, transport=transport) as nobody:
        tokens = unwrap(login.sync_detailed(client=nobody, body=body))
    if keep:
        keep(tokens)
    return resume(base_url, tokens, keep=keep, transport=transport)


def resume(
    base_url: str,
    tokens: Tokens,
    *,
    keep: KeepTokens | None = None,
    transport: NewTransport = RetryTransport,
) -> AuthenticatedClient:
    """A client with a session that has begun before.

    `keep` gets the tokens each time there are new ones; the ones before are worth nothing then.
    """
    arguments: dict[str, Any] = {"transport": ProblemTransport(transport())}
    nobody = Client(base_url, timeout=TIMEOUT, httpx_args=arguments)
    arguments = arguments | {"auth": SessionAuth(nobody, tokens, keep)}
    return AuthenticatedClient(
        base_url, token=tokens.access_token, timeout=TIMEOUT, httpx_args=arguments
    )
