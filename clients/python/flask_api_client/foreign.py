"""Responses from intermediaries, such as a proxy or a captive portal."""

from http import HTTPStatus
from typing import Any

import httpx

from flask_api_client.generated.models import Problem
from flask_api_client.problems import ApiProblem

WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
ERRORS = {status for status in HTTPStatus if status >= 400}
MEMBERS = {"type", "title", "status", "detail", "request_id"}


class ProblemTransport(httpx.BaseTransport):
    """Return responses that the generated code can parse; raise ApiProblem for others."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        response.read()
        if not readable(response):
            raise ApiProblem(problem_of(response), response.headers)
        return response

    def close(self) -> None:
        self._transport.close()


def readable(response: httpx.Response) -> bool:
    """Return whether the response has a documented form."""
    if response.status_code in WITHOUT_BODY:
        return True
    if response.status_code in {HTTPStatus.OK, HTTPStatus.CREATED}:
        return bool(document(response))
    return response.status_code in ERRORS and document(response).keys() >= MEMBERS


def document(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object in the body, or an empty one."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def problem_of(response: httpx.Response) -> Problem:
    return Problem(
        type_="about:blank",
        title=response.reason_phrase or f"Status {response.status_code}",
        status=response.status_code,
        detail=detail_of(response),
        request_id=response.headers.get("X-Request-ID", "unknown"),
    )


def detail_of(response: httpx.Response) -> str:
    """Describe the response. A redirect is not followed, so the credentials stay with one host."""
    if response.is_redirect:
        where = response.headers.get("Location", "a URL that is not given")
        return f"The service redirects to {where}."
    kind = response.headers.get("Content-Type", "no Content-Type")
    return f"This is not a response of the service: {kind}, {response.text[:100]!r}."
