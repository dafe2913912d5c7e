"""The problems of HTTP itself: what werkzeug and gunicorn refuse, and what is away."""

from typing import ClassVar

from services.errors import NotFound, Problem

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/api/problems/"


class BadRequest(Problem):
    status, slug, title = 400, "bad-request", "Bad request"
    detail = "The request can't be understood."
    advice = "Look at how the client writes its requests; sent again as it is, it is refused again."


class MalformedRequest(Problem):
    status, slug, title = 400, "malformed-request", "Malformed request"
    detail = "The request is not one of HTTP/1.1, or exceeds a limit of the server."
    advice = (
        "The status says more: at 414 the URL is too long, at 431 the headers are too large, at "
        "501 the Transfer-Encoding is not known. Use an HTTP library, and shorten the request."
    )


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "Method not allowed"
    detail = "The method is not allowed for the requested URL."
    advice = "Use one of the methods that the header `Allow` names."


class RequestTimeout(Problem):
    status, slug, title = 408, "request-timeout", "Request timed out"
    detail = "The request did not arrive in time."
    advice = "Look at the connection, and send the request again in one go."


class ContentTooLarge(Problem):
    status, slug, title = 413, "content-too-large", "Content too large"
    detail = "The body is longer than 1 MiB."
    advice = "Send less in one request."


class UnsupportedMediaType(Problem):
    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"
    detail = "The body must be application/json."
    advice = "Send JSON with `Content-Type: application/json`, and without a Content-Encoding."


class RangeNotSatisfiable(Problem):
    status, slug, title = 416, "range-not-satisfiable", "Range not satisfiable"
    detail = "The file has no such range."
    advice = "Ask without the header `Range`, or for a range within the file."


class InternalServerError(Problem):
    status, slug, title = 500, "internal-server-error", "Internal server error"
    detail = "Something went wrong here. It has been logged under this request_id."
    advice = (
        "Tell the people who run this service the `request_id`. Most likely nothing was changed, "
        "but look before you do it again. With an `Idempotency-Key`, "
        "send the same request with the same key again: it is done once."
    )


class Unavailable(Problem):
    status, slug, title = 503, "unavailable", "Service unavailable"
    default_headers: ClassVar = {"Retry-After": "2"}
    detail = "Something that this needs is away for the moment; retry after a while."
    advice = (
        "Wait as many seconds as `Retry-After` says, then send the request again, with "
        "the same Idempotency-Key if it had one, so that it is done once."
    )


# What werkzeug, Flask and extensions raise, by its status.
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
