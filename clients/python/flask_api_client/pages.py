"""Lists, without the pages."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from flask_api_client.generated.models import Problem
from flask_api_client.generated.types import UNSET, Unset
from flask_api_client.problems import Answer, unwrap

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    @property
    def items(self) -> Sequence[T_co]: ...

    @property
    def next_cursor(self) -> str | None: ...


def items(page: Callable[[str | Unset], Answer[Page[T] | Problem]]) -> Iterator[T]:
    """Each item of a list, asking for the next page when it is needed.

    `page` gets a page by its cursor: `lambda at: list_orders.sync_detailed(client=api, cursor=at)`.

    Raises:
        ApiProblem: the service refused.
    """
    cursor: str | Unset | None = UNSET
    while cursor is not None:
        found = unwrap(page(cursor))
        yield from found.items
        cursor = found.next_cursor
