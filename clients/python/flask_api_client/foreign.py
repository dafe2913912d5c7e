"""Answers that something on the way has made: a proxy, a load balancer."""

import httpx

from flask_api_client.generated.models import Problem

PROBLEM_JSON = "application/problem+json"


class ProblemTransport(httpx.BaseTransport):
    """Makes every refusal a problem document, so that the generated code can read it."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        ours = response.headers.get("Content-Type", "").startswith(PROBLEM_JSON)
        if ours or not (elsewhere(response) or response.is_error):
            return response
        response.close()
        content = problem_of(response).to_dict()
        headers = {"Content-Type": PROBLEM_JSON}
        return httpx.Response(response.status_code, json=content, headers=headers)

    def close(self) -> None:
        self._transport.close()


def elsewhere(response: httpx.Response) -> bool:
    """Whether it is a redirect, which no client follows: credentials are for this address."""
    return response.is_redirect and response.status_code != httpx.codes.NOT_MODIFIED


def problem_of(response: httpx.Response) -> Problem:
    detail = "The answer is no problem document of the service."
    if elsewhere(response):
        detail = (
            f"The service is elsewhere: {response.headers.get('Location', 'it is not said where')}."
        )
    return Problem(
        type_="about:blank",
        title=response.reason_phrase or f"Status {response.status_code}",
        status=response.status_code,
        detail=detail,
        request_id=response.headers.get("X-Request-ID", "unknown"),
    )
