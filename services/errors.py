"""The refusals of the rules: each a small class with a status and a slug.

They say what is wrong in the words of RFC 9457, and what to do about it; who turns them into an
answer is not known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Problem(Exception):  # noqa: N818 (the word of RFC 9457)
    """A refusal; the message is the `detail` of the problem document."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    # What happened, and what to do about it: the page of the problem shows both.
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
    detail = "The access token is missing, invalid or expired, or its session has ended."
    advice = (
        "Send `Authorization: Bearer` and the `access_token` of a sign-in. If it has expired, "
        "exchange the `refresh_token` for new ones; if that is refused too, sign in again."
    )


class InvalidToken(Unauthenticated):
    """There is a token, but it is not valid, or its session has ended (RFC 6750, section 3.1)."""

    default_headers: ClassVar = {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}


class WrongCredentials(Problem):
    status, slug, title = 401, "wrong-credentials", "Wrong credentials"
    default_headers = CHALLENGE
    detail = "The email address or the password is wrong."
    advice = "Check both. An account that does not exist, or is deactivated, gets the same answer."


class InvalidRefreshToken(Problem):
    status, slug, title = 401, "invalid-refresh-token", "Invalid refresh token"
    default_headers = CHALLENGE
    detail = "The refresh token is invalid or expired, or its session has ended. Sign in again."
    advice = (
        "Sign in again. If you did not expect this, change the password: a refresh token that is "
        "used again after ten seconds ends its session, because the token may have been stolen."
    )


class RefreshTokenReused(InvalidRefreshToken):
    """A refresh token was used before: there is a copy of it, so the session must end."""


class RefreshSuperseded(Problem):
    status, slug, title = 409, "refresh-superseded", "Refreshed a moment ago"
    detail = "This refresh token was exchanged a moment ago; use the tokens of that response."
    advice = (
        "Use the tokens of the other exchange. This happens only while the signing key of the "
        "service changes; otherwise the same refresh token is returned again."
    )


class Forbidden(Problem):
    status, slug, title = 403, "forbidden", "Not allowed"
    detail = "Your role does not allow this."
    advice = "Ask an administrator for the role that it takes, or do it as another user."


class NotFound(Problem):
    status, slug, title = 404, "not-found", "Not found"
    detail = "There is nothing here, or it is not yours."
    advice = (
        "Check the path and the id. What belongs to somebody else looks the same as what does "
        "not exist."
    )


class EmailTaken(Problem):
    status, slug, title = 409, "email-taken", "Email address taken"
    detail = "There is an account with this email address already."
    advice = "Sign in with this address, or register another one."


class LastAdmin(Problem):
    status, slug, title = 409, "last-admin", "Last administrator"
    detail = "This is the last active administrator; make another one first."
    advice = "Give another user the role `admin`, then change this one."


class RequestInFlight(Problem):
    status, slug, title = 409, "request-in-flight", "Request in flight"
    default_headers: ClassVar = {"Retry-After": "1"}
    detail = "A request with this Idempotency-Key is being worked on; retry in a moment."
    advice = (
        "Wait as many seconds as `Retry-After` says, then send the same request again, with the "
        "same key: it gets the answer of the first one."
    )


class PreconditionFailed(Problem):
    status, slug, title = 412, "precondition-failed", "Changed meanwhile"
    detail = "The resource is not in the version that If-Match names; read it again."
    advice = (
        "Read the resource again, look at what has changed, and repeat the change with the "
        "new `ETag` in `If-Match`."
    )


class PreconditionRequired(Problem):
    """RFC 6585, section 3."""

    status, slug, title = 428, "precondition-required", "Precondition required"
    detail = "Without If-Match, this change could overwrite a newer one."
    advice = "Read the resource, and send its `ETag` in `If-Match` with the change."


class InvalidInput(Problem):
    """Carries `errors`: a list of `pointer` (RFC 6901) and `detail`."""

    status, slug, title = 422, "invalid-input", "Invalid input"
    detail = "The input is well-formed, but not valid; see errors."
    advice = (
        "Look at `errors`: each `pointer` names a field of the body, or a parameter, and its "
        "`detail` says what is expected. Correct the request before it is sent again."
    )

    @classmethod
    def at(cls, pointers: Sequence[str], detail: str) -> "InvalidInput":
        return cls(errors=[{"pointer": pointer, "detail": detail} for pointer in pointers])


class IdempotencyKeyReused(Problem):
    status, slug, title = 422, "idempotency-key-reused", "Idempotency-Key reused"
    detail = "This Idempotency-Key was used with another request; use a new one."
    advice = (
        "Make a new key for each thing that you want done, and repeat a key only with the "
        "very same body."
    )
