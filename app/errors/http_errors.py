"""Problem types for HTTP errors of Werkzeug and gunicorn, and for outages."""

from typing import ClassVar

from services.errors import NotFound, Problem

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/api/problems/"


class BadRequest(Problem):
    status, slug, title = 400, "bad-request", "Bad request"
    detail = "The server cannot process this request."
    advice = "Fix the request before you retry it."


class MalformedRequest(Problem):
    status, slug, title = 400, "malformed-request", "Malformed request"
    detail = "The request is not valid HTTP/1.1, or it exceeds a limit of the server."
    advice = (
        "Send requests with an HTTP library. The status gives the cause: 414, the URL is too long; "
        "431, the headers are too large; 501, the server does not support the Transfer-Encoding."
    )


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "Method not allowed"
    detail = "The method is not allowed for the requested URL."
    advice = "Use a method from the `Allow` header."


class RequestTimeout(Problem):
    status, slug, title = 408, "request-timeout", "Request timed out"
    detail = "The request did not arrive in time."
    advice = "Check the network connection, then send the complete request again."


class ContentTooLarge(Problem):
    status, slug, title = 413, "content-too-large", "Content too large"
    detail = "The body is longer than 1 MiB."
    advice = "Send a shorter body, or split the request."


class UnsupportedMediaType(Problem):
    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"
    detail = "The body must be application/json."
    advice = "Send JSON with `Content-Type: application/json` and without `Content-Encoding`."


class RangeNotSatisfiable(Problem):
    status, slug, title = 416, "range-not-satisfiable", "Range not satisfiable"
    detail = "The requested range is outside the file."
    advice = "Omit the `Range` header, or request a range within the file."


class InternalServerError(Problem):
    status, slug, title = 500, "internal-server-error", "Internal server error"
    detail = "An unexpected error occurred. It is logged under this request_id."
    advice = (
        "Report the `request_id` to API support. Before you retry, check whether the change was "
        "made. With an `Idempotency-Key`, you can retry at once with the same key: the request is "
        "executed only once."
    )


class Unavailable(Problem):
    status, slug, title = 503, "unavailable", "Service unavailable"
    default_headers: ClassVar = {"Retry-After": "2"}
    detail = "The service is temporarily unavailable; retry after the seconds in Retry-After."
    advice = (
        "Wait for the seconds in `Retry-After`, then retry. If the request had an "
        "`Idempotency-Key`, reuse it, so that the request is executed only once."
    )


# Problem types for the exceptions of Werkzeug, Flask and extensions, by status.
BY_STATUS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        NotFound,
        MethodNotAllowed,
        RequestTimeout,
        ContentTooLarge,
        UnsupportedMediaType,
        RangeNotSatisfiable,
        InternalServerError,
    )
}
