"""Model of orders and products for property tests: operations and their expected results.

The responses to concurrent operations are correct if some serial order of the operations gives the
same responses (linearizability). `explained` searches for that order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import httpx

from tests.support.shop import ADDRESS

NEXT = {
    "pending": ("paid", "cancelled"),
    "paid": ("shipped", "cancelled"),
    "shipped": ("delivered",),
}

Name = tuple[int, int]  # name of an order: its buyer, and the number in its Idempotency-Key
Shelf = tuple[int, int]  # stock and price
Said = tuple[Any, ...]  # the compared parts of a response


@dataclass(frozen=True)
class Sale:
    status: str
    lines: tuple[tuple[int, int, int], ...]  # product, quantity, unit price
    total: int


@dataclass(frozen=True)
class Books:
    shelves: dict[int, Shelf]
    sales: dict[Name, Sale]
    # Products whose ETag has changed.
    changed: frozenset[int] = field(default=frozenset(), compare=False)

    def name(self, nth: int) -> Name:
        return sorted(self.sales)[nth % len(self.sales)]

    def shelved(self, shelves: dict[int, Shelf]) -> "Books":
        changed = {n for n, shelf in shelves.items() if shelf != self.shelves[n]}
        return replace(self, shelves=self.shelves | shelves, changed=self.changed | changed)

    def sold(self, name: Name, sale: Sale, sign: int) -> "Books":
        """Return the books with a sale; its stock is taken (-1), returned (1) or unchanged (0)."""
        stock = {n: self.shelves[n][0] + sign * count for n, count, _ in sale.lines}
        moved = self.shelved({n: (left, self.shelves[n][1]) for n, left in stock.items()})
        return replace(moved, sales=self.sales | {name: sale})


@dataclass
class Shop:
    """Products of a test, and clients of the buyers and of an administrator."""

    key: str
    buyers: Sequence[httpx.Client]
    admin: httpx.Client
    orders: dict[Name, Any] = field(default_factory=dict)  # from the first responses
    etags: dict[int, str] = field(default_factory=dict)

    def product(self, n: int) -> str:
        return f"{self.key}-{n}"

    def order(self, name: Name) -> str:
        return f"/api/orders/{self.orders[name]['id']}"


class Operation(Protocol):
    def addressed(self, books: Books) -> "Operation":
        """Return the operation; one that needs an order is applied to an order in the books."""
        return self

    def send(self, shop: Shop) -> httpx.Response: ...

    def foreseen(self, books: Books) -> tuple[Said, Books]:
        """Return the expected response of a serial call, and the books after the call."""
        ...


@dataclass(frozen=True)
class Buy(Operation):
    name: Name
    lines: tuple[tuple[int, int], ...]  # product, quantity

    def send(self, shop: Shop) -> httpx.Response:
        buyer, key = self.name
        items = [{"product_id": shop.product(n), "quantity": count} for n, count in self.lines]
        return shop.buyers[buyer].post(
            "/api/orders",
            json={"items": items, "shipping_address": ADDRESS},
            headers={"Idempotency-Key": f"{shop.key}-{key}"},
        )

    def foreseen(self, books: Books) -> tuple[Said, Books]:
        if kept := books.sales.get(self.name):
            if tuple(line[:2] for line in kept.lines) != self.lines:
                return (422, "idempotency-key-reused"), books
            return (201, "replayed", replace(kept, status="pending")), books
        if any(books.shelves[n][0] < count for n, count in self.lines):
            return (409, "out-of-stock"), books
        lines = tuple((n, count, books.shelves[n][1]) for n, count in self.lines)
        sale = Sale("pending", lines, sum(count * price for _, count, price in lines))
        return (201, "done", sale), books.sold(self.name, sale, -1)


@dataclass(frozen=True)
class BuyAgain(Operation):
    nth: int

    def addressed(self, books: Books) -> Buy:
        name = books.name(self.nth)
        return Buy(name, tuple(line[:2] for line in books.sales[name].lines))


@dataclass(frozen=True)
class Move(Operation):
    """Change of the status by the administrator."""

    nth: int
    status: str
    name: Name = (0, 0)

    def addressed(self, books: Books) -> "Move":
        return replace(self, name=books.name(self.nth))

    def send(self, shop: Shop) -> httpx.Response:
        return shop.admin.patch(shop.order(self.name), json={"status": self.status})

    def foreseen(self, books: Books) -> tuple[Said, Books]:
        if self.status not in NEXT.get(books.sales[self.name].status, ()):
            return (409, "transition-not-allowed"), books
        sale = replace(books.sales[self.name], status=self.status)
        return (200, "done", sale), books.sold(self.name, sale, int(self.status == "cancelled"))


@dataclass(frozen=True)
class Cancel(Move):
    """Cancellation by the buyer."""

    status: str = "cancelled"

    def send(self, shop: Shop) -> httpx.Response:
        return shop.buyers[self.name[0]].post(f"{shop.order(self.name)}/cancel")


@dataclass(frozen=True)
class MoveOn(Operation):
    """Change to the next status by the administrator."""

    nth: int

    def addressed(self, books: Books) -> Move:
        name = books.name(self.nth)
        return Move(self.nth, NEXT.get(books.sales[name].status, ("delivered",))[0], name)


@dataclass(frozen=True)
class Reprice(Operation):
    product: int
    price: int

    def send(self, shop: Shop) -> httpx.Response:
        return shop.admin.patch(
            f"/api/products/{shop.product(self.product)}", json={"price": self.price}
        )

    def foreseen(self, books: Books) -> tuple[Said, Books]:
        shelf = books.shelves[self.product][0], self.price
        return (200, *shelf), books.shelved({self.product: shelf})


@dataclass(frozen=True)
class Restock(Operation):
    """Change of stock and price with `If-Match`; nothing changes if the version differs."""

    product: int
    stock: int
    price: int

    def send(self, shop: Shop) -> httpx.Response:
        return shop.admin.patch(
            f"/api/products/{shop.product(self.product)}",
            json={"stock": self.stock, "price": self.price},
            headers={"If-Match": shop.etags[self.product]},
        )

    def foreseen(self, books: Books) -> tuple[Said, Books]:
        if self.product in books.changed:
            return (412, "precondition-failed"), books
        shelf = self.stock, self.price
        return (200, *shelf), books.shelved({self.product: shelf})


@dataclass(frozen=True)
class Call:
    operation: Operation
    sent: float
    responded: float
    response: httpx.Response
    said: Said


def explained(calls: Sequence[Call], books: Books, end: Books) -> bool:
    """Return whether some serial order of the calls gives their responses and ends in `end`."""
    if not calls:
        return books == end
    for call in calls:
        others = [other for other in calls if other is not call]
        if any(other.responded < call.sent for other in others):
            continue
        said, after = call.operation.foreseen(books)
        if said == call.said and explained(others, after, end):
            return True
    return False
