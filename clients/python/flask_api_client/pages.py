"""Iteration over paginated lists."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from flask_api_client.generated.models import Problem
from flask_api_client.generated.types import UNSET, Unset
from flask_api_client.problems import ApiResponse, unwrap

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    @property
    def items(self) -> Sequence[T_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


def items(page: Callable[[str | Unset], ApiResponse[Page[T] | Problem]]) -> Iterator[T]:
    """Yield each item of a list, and request the next page when it is needed.

    Args:
        page: Returns a page by its cursor, such as
            `lambda at: list_orders.sync_detailed(client=api, cursor=at)`.

    Raises:
        ApiProblem: The service returned an error.
    """
    cursor: str | Unset | None = UNSET
    while cursor is not None:
        found = unwrap(page(cursor))
        yield from found.items
        cursor = found.next_cursor
