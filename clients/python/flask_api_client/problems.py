"""Refusals of the service, as exceptions that carry its problem document (RFC 9457)."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from flask_api_client.generated.models import Problem

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ApiProblem(Exception):  # noqa: N818 (the word of RFC 9457)
    """The service refused: `problem` says what, for programs and for people."""

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        super().__init__(problem, headers)  # as pickle wants it
        self.problem = problem
        self.headers = headers

    def __str__(self) -> str:
        problem = self.problem
        return f"{problem.title}: {problem.detail} (request {problem.request_id})"

    def has_type(self, slug: str) -> bool:
        """Whether this is that kind of problem, by the last part of its `type`."""
        return self.problem.type_.endswith(f"/{slug}")


class NotModified(Exception):  # noqa: N818 (the words of RFC 9110)
    """The copy whose ETag was sent as `If-None-Match` is current."""


class Answer(Protocol[T_co]):
    """What the `…_detailed` functions of the generated code return."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def parsed(self) -> T_co | None:
        """The body; None if there is none."""


def unwrap(response: Answer[Problem | T]) -> T:
    """What was asked for.

    Raises:
        ApiProblem: the service refused.
        NotModified: a 304, which has no body.
    """
    if response.status_code == 304:
        raise NotModified
    if isinstance(response.parsed, Problem):
        raise ApiProblem(response.parsed, response.headers)
    return response.parsed  # type: ignore[return-value]  # None is the body of a 204
