"""Answers that something on the way has made: a proxy, the login page of a network."""

from http import HTTPStatus
from typing import Any

import httpx

from flask_api_client.generated.models import Problem
from flask_api_client.problems import ApiProblem

WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
REFUSALS = {status for status in HTTPStatus if status >= 400}
MEMBERS = {"type", "title", "status", "detail", "request_id"}


class ProblemTransport(httpx.BaseTransport):
    """Hands over what the generated code can read, and raises an `ApiProblem` of the rest."""

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
    """Whether the service may have answered that, as its document says."""
    if response.status_code in WITHOUT_BODY:
        return True
    if response.status_code in {HTTPStatus.OK, HTTPStatus.CREATED}:
        return bool(document(response))
    return response.status_code in REFUSALS and document(response).keys() >= MEMBERS


def document(response: httpx.Response) -> dict[str, Any]:
    """The JSON object that came; an empty one if none did."""
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
    """What came. No client follows a redirect: credentials are for this address."""
    if response.is_redirect:
        where = response.headers.get("Location", "it is not said where")
        return f"The service is elsewhere: {where}."
    kind = response.headers.get("Content-Type", "no Content-Type")
    return f"This is no answer of the service: {kind}, {response.text[:100]!r}."
