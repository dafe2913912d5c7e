"""Errors of the services: exceptions with the members of a problem document (RFC 9457).

app/errors/ renders these exceptions as HTTP responses.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Problem(Exception):  # noqa: N818 (the word of RFC 9457)
    """Base class of all errors; the message is the `detail` of the problem document."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    # The cause, and what the API consumer can do; the problem page shows both.
    detail: ClassVar[str]
    advice: ClassVar[str]
    # Headers of every response with this error.
    default_headers: ClassVar[Mapping[str, str]] = {}
    # Extension members (RFC 9457, section 3.2) of the documented example.
    example: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **extension_members: Any,
    ) -> None:
        super().__init__(detail or self.detail)
        self.headers = {**self.default_headers, **(headers or {})}
        self.extension_members = extension_members


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="api"'}


class Unauthenticated(Problem):
    status, slug, title = 401, "unauthenticated", "Not signed in"
    default_headers = CHALLENGE
    detail = (
        "The access token or API key is missing, invalid or expired, or it was revoked with its "
        "session or account."
    )
    advice = (
        "Send `Authorization: Bearer` and the `access_token` of a sign-in. If it has expired, "
        "exchange the `refresh_token` for new tokens. If that fails too, sign in again. An API key "
        "that was refused must be replaced."
    )


class InvalidToken(Unauthenticated):
    """The token or API key is invalid, expired or revoked (RFC 6750, section 3.1)."""

    default_headers: ClassVar = {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}


class RecentSignInRequired(Problem):
    """The session is too old for this operation (RFC 9470, section 3)."""

    status, slug, title = 401, "recent-sign-in-required", "Recent sign-in required"
    default_headers: ClassVar = {
        "WWW-Authenticate": 'Bearer realm="api", error="insufficient_user_authentication"'
    }
    detail = "You signed in too long ago for this operation; sign in again."
    advice = "Sign in again, and repeat the request with the new token. A refresh is no sign-in."


class WrongCredentials(Problem):
    status, slug, title = 401, "wrong-credentials", "Wrong credentials"
    default_headers = CHALLENGE
    detail = "The email address or the password is wrong."
    advice = "Check both. An unknown or deactivated account gets the same response."


class InvalidRefreshToken(Problem):
    status, slug, title = 401, "invalid-refresh-token", "Invalid refresh token"
    default_headers = CHALLENGE
    detail = "The refresh token is invalid or expired, or its session has ended. Sign in again."
    advice = (
        "Sign in again. If you did not expect this error, change the password: reuse of a refresh "
        "token after ten seconds ends its session, because the token may have been stolen."
    )


class RefreshTokenReused(InvalidRefreshToken):
    """The refresh token was used before, so a copy of it exists and the session must end."""


class RefreshSuperseded(Problem):
    status, slug, title = 409, "refresh-superseded", "Refresh token already exchanged"
    detail = "This refresh token was exchanged a moment ago; use the tokens of that response."
    advice = (
        "Use the tokens of the other exchange. This error occurs only while the signing key of "
        "the service changes; otherwise the service returns the same refresh token again."
    )


class Forbidden(Problem):
    status, slug, title = 403, "forbidden", "Not allowed"
    detail = "Your role or your API key does not allow this operation."
    advice = (
        "Ask an administrator for the required role, or sign in as another user. An API key needs "
        "the scope of the operation, and cannot manage credentials."
    )


class SecondFactorMissing(Problem):
    status, slug, title = 403, "second-factor-missing", "Second factor missing"
    detail = "This service requires a second factor of administrators, and yours is off."
    advice = "Set it up: `POST /api/users/me/second-factor`, then `…/confirm` with a code."


class NotFound(Problem):
    status, slug, title = 404, "not-found", "Not found"
    detail = "The resource does not exist, or it belongs to another user."
    advice = "Check the path and the id."


class EmailTaken(Problem):
    status, slug, title = 409, "email-taken", "Email address taken"
    detail = "An account with this email address already exists."
    advice = "Sign in with this address, or register with another one."


class EmailNotVerified(Problem):
    status, slug, title = 403, "email-not-verified", "Email address not verified"
    detail = "Verify your email address first, by the link in the mail."
    advice = (
        "Open the link in the mail. To get another mail, use `POST /api/auth/verify-email/resend`. "
        "If you cannot sign in, reset the password, which also verifies the address."
    )


class LastAdmin(Problem):
    status, slug, title = 409, "last-admin", "Last administrator"
    detail = "This is the last active administrator; create another one first."
    advice = "Give another user the role `admin`, then change this user."


class RequestInFlight(Problem):
    status, slug, title = 409, "request-in-flight", "Request in flight"
    default_headers: ClassVar = {"Retry-After": "1"}
    detail = "A request with this Idempotency-Key is still in progress; retry in a moment."
    advice = (
        "Wait for the seconds in `Retry-After`, then send the same request with the same key "
        "again: it gets the response of the first request."
    )


class PreconditionFailed(Problem):
    status, slug, title = 412, "precondition-failed", "Precondition failed"
    detail = "The current version of the resource does not match If-Match; read it again."
    advice = (
        "Read the resource again, check what has changed, and repeat the change with the new "
        "`ETag` in `If-Match`."
    )


class InvalidInput(Problem):
    """Has the extension member `errors`: objects with `pointer` (RFC 6901) and `detail`."""

    status, slug, title = 422, "invalid-input", "Invalid input"
    detail = "The input is well-formed, but not valid; see errors."
    advice = (
        "Each `pointer` in `errors` names a field of the body, or a parameter; its `detail` says "
        "what is expected. Fix the request before you retry it."
    )
    example: ClassVar = {"errors": [{"pointer": "/email", "detail": "Not a valid email address."}]}

    @classmethod
    def at(cls, pointers: Sequence[str], detail: str) -> "InvalidInput":
        return cls(errors=[{"pointer": pointer, "detail": detail} for pointer in pointers])


class IdempotencyKeyReused(Problem):
    status, slug, title = 422, "idempotency-key-reused", "Idempotency-Key reused"
    detail = "This Idempotency-Key was used with another request; use a new one."
    advice = (
        "Generate a new key for each new request. Reuse a key only to retry a request with the "
        "same body."
    )
