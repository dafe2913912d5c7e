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
        if response.status_code < 400 or ours:
            return response
        response.close()
        content = problem_of(response).to_dict()
        headers = {"Content-Type": PROBLEM_JSON}
        return httpx.Response(response.status_code, json=content, headers=headers)

    def close(self) -> None:
        self._transport.close()


def problem_of(response: httpx.Response) -> Problem:
    return Problem(
        type_="about:blank",
        title=response.reason_phrase or f"Status {response.status_code}",
        status=response.status_code,
        detail="The answer is no problem document of the service.",
        request_id=response.headers.get("X-Request-ID", "unknown"),
    )
