"""Errors of the service as exceptions with the problem document (RFC 9457)."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from flask_api_client.generated.models import Problem

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ApiProblem(Exception):  # noqa: N818 (the word of RFC 9457)
    """Error response of the service; `problem` has the details."""

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        super().__init__(problem, headers)  # pickle calls the class with these args
        self.problem = problem
        self.headers = headers

    def __str__(self) -> str:
        problem = self.problem
        return f"{problem.title}: {problem.detail} (request {problem.request_id})"

    def has_type(self, slug: str) -> bool:
        """Return whether the last segment of the problem's `type` is `slug`."""
        return self.problem.type_.endswith(f"/{slug}")


class NotModified(Exception):  # noqa: N818 (the words of RFC 9110)
    """304: the copy with the ETag in `If-None-Match` is current."""


class ApiResponse(Protocol[T_co]):
    """Result of the `…_detailed` functions of the generated code."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def parsed(self) -> T_co | None:
        """The parsed body; None if there is none."""


def unwrap(response: ApiResponse[Problem | T]) -> T:
    """Return the parsed body of a response.

    Raises:
        ApiProblem: The service returned an error.
        NotModified: The status is 304.
    """
    if response.status_code == 304:
        raise NotModified
    if isinstance(response.parsed, Problem):
        raise ApiProblem(response.parsed, response.headers)
    return response.parsed  # type: ignore[return-value]  # None is the body of a 202 or 204
