"""The refusals of the rules: each a small class with a status and a slug.

They say what is wrong in the words of RFC 9457; who turns them into an answer is not known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Problem(Exception):  # noqa: N818 (the word of RFC 9457)
    """A refusal; the message is the `detail` of the problem document."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    detail: ClassVar[str]
    # The edge rolls a refused request back, unless the refusal itself is what has to be written.
    keeps_changes: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or self.detail)
        self.headers = dict(headers or {})
        self.members = members


class Unauthenticated(Problem):
    status, slug, title = 401, "unauthenticated", "Not signed in"
    detail = "The access token is missing, invalid or expired, or its session has ended."


class WrongCredentials(Problem):
    status, slug, title = 401, "wrong-credentials", "Wrong credentials"
    detail = "The email address or the password is wrong."


class InvalidRefreshToken(Problem):
    status, slug, title = 401, "invalid-refresh-token", "Invalid refresh token"
    detail = "The refresh token is invalid or expired, or its session has ended. Sign in again."


class RefreshTokenReused(InvalidRefreshToken):
    """A token that was used before came back: somebody has a copy, so the session ends."""

    keeps_changes = True


class RefreshSuperseded(Problem):
    status, slug, title = 409, "refresh-superseded", "Refreshed a moment ago"
    detail = "This refresh token was exchanged a moment ago; use the tokens of that answer."


class Forbidden(Problem):
    status, slug, title = 403, "forbidden", "Not allowed"
    detail = "Your role does not allow this."


class NotFound(Problem):
    status, slug, title = 404, "not-found", "Not found"
    detail = "There is nothing here, or it is not yours."


class EmailTaken(Problem):
    status, slug, title = 409, "email-taken", "Email address taken"
    detail = "There is an account with this email address already."


class ProductExists(Problem):
    status, slug, title = 409, "product-exists", "Product id taken"
    detail = "There is, or was, a product with this id."


class LastAdmin(Problem):
    status, slug, title = 409, "last-admin", "Last administrator"
    detail = "This is the last active administrator; make another one first."


class OutOfStock(Problem):
    """Carries `products`: a list of `product_id`, `requested` and `available`."""

    status, slug, title = 409, "out-of-stock", "Out of stock"
    detail = "There is not enough stock; nothing was ordered."


class TransitionNotAllowed(Problem):
    status, slug, title = 409, "transition-not-allowed", "Transition not allowed"
    detail = "The order can't go from its status to this one."


class RequestInFlight(Problem):
    status, slug, title = 409, "request-in-flight", "Request in flight"
    detail = "A request with this Idempotency-Key is being worked on; retry in a moment."


class PreconditionFailed(Problem):
    status, slug, title = 412, "precondition-failed", "Changed meanwhile"
    detail = "The resource is not in the version that If-Match names; read it again."


class InvalidInput(Problem):
    """Carries `errors`: a list of `pointer` (RFC 6901) and `detail`."""

    status, slug, title = 422, "invalid-input", "Invalid input"
    detail = "The input is well-formed, but not valid; see errors."

    @classmethod
    def at(cls, pointers: Sequence[str], detail: str) -> "InvalidInput":
        return cls(errors=[{"pointer": pointer, "detail": detail} for pointer in pointers])


class IdempotencyKeyReused(Problem):
    status, slug, title = 422, "idempotency-key-reused", "Idempotency-Key reused"
    detail = "This Idempotency-Key was used with another request; use a new one."
