"""Benchmark of the cost of a request as the data grows: `make bench-growth`.

The benchmark measures the memory of new workers over 200,000 requests. Then it compares 10,000 with
1,000,000 orders, 1 with 50 items, and 1 with 64 connections. Compare the ratios.
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from sqlalchemy.engine import URL, make_url

from bench.compare import loaded, sent
from bench.load import Plan
from bench.scenarios import ADDRESS, SCENARIOS, Customer, ask, sign_in
from bench.targets import DATA, SIZES, TARGETS, Server, fill, new_database, served
from tools.embedded import postgres

ROUNDS, WARM_UP, SECONDS = 3, 0.5, 2.5
FEW, MANY = 10_000, 1_000_000
REQUESTS, PORTIONS = 200_000, 10  # the sum of both workers
ASKED = [name for name in SCENARIOS if "health" not in name]

Clients = list[list[str]]


def main() -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = make_url(stack.enter_context(postgres(DATA / "postgres")))
        postgresql = url.set(drivername="postgresql+psycopg2")
        few = stack.enter_context(filled(postgresql, FEW))
        many = stack.enter_context(filled(postgresql, MANY))
        customers = {server.port: sign_in(server) for server in (few, many)}
        memory(few, customers[few.port])
        orders(few, many, customers)
        items(few, customers[few.port])
        connections(few, customers[few.port])


@contextmanager
def filled(postgresql: URL, count: int) -> Iterator[Server]:
    """Run the service on a database with `count` orders until the end of the block."""
    print(f"loading {count:,} orders", file=sys.stderr)
    database = new_database(postgresql, f"bench_growth_{count}")
    fill(database, replace(SIZES, orders=count))
    with served(TARGETS[0], database) as server:
        yield server


def orders(few: Server, many: Server, customers: dict[int, list[Customer]]) -> None:
    print(f"\n{MANY:,} orders to {FEW:,}")
    for name in ASKED:
        runs = [(each, asking(name, customers[each.port])) for each in (few, many)]
        compare(name, runs)


def asking(name: str, customers: Sequence[Customer]) -> Clients:
    return [SCENARIOS[name](who) for who in customers]


def items(server: Server, customers: Sequence[Customer]) -> None:
    print("\n50 items to 1")
    posts: list[Clients] = []
    gets: list[Clients] = []
    for count in (1, 50):
        carts = [(who, cart(who, count)) for who in customers]
        posts.append([[who.request("POST", "/api/orders", order)] for who, order in carts])
        paths = [(who, f"/api/orders/{placed(server, who, order)}") for who, order in carts]
        gets.append([[who.request("GET", path)] for who, path in paths])
    compare("POST /api/orders", [(server, clients) for clients in posts])
    compare("GET /api/orders/{id}", [(server, clients) for clients in gets])


def cart(who: Customer, count: int) -> dict[str, object]:
    first = who.number * 11
    products = [f"demo-{(first + n) % SIZES.products + 1}" for n in range(count)]
    items = [{"product_id": product, "quantity": 1} for product in products]
    return {"items": items, "shipping_address": ADDRESS}


def placed(server: Server, who: Customer, order: dict[str, object]) -> str:
    status, response = ask(server, "POST", "/api/orders", order, Authorization=who.bearer)
    assert status == 201, response
    identity: str = response["id"]
    return identity


def connections(server: Server, customers: Sequence[Customer]) -> None:
    print("\n64 connections to 1")
    for name in ASKED:
        clients = asking(name, customers)
        compare(name, [(server, clients[:1]), (server, clients * (64 // len(clients)))])


def compare(name: str, runs: Sequence[tuple[Server, Clients]]) -> None:
    """Measure both runs in turn, and print their medians and the ratio of second to first."""
    rounds = [
        [loaded(server, Plan(server.port, clients, WARM_UP, SECONDS)) for server, clients in runs]
        for _ in range(ROUNDS)
    ]
    cells = []
    for what in ("requests_per_second", "p50_ms", "p99_ms", "cpu_ms"):
        first, second = (statistics.median(each[i][what] for each in rounds) for i in (0, 1))
        cells.append(f"{what} {first:9.2f} {second:9.2f} ({second / first:5.2f})")
    errors = sum(each["errors"] for pair in rounds for each in pair)
    print(f"  {name:<24}", *cells, f"errors {errors:.0f}", sep="  ")


def memory(server: Server, customers: Sequence[Customer]) -> None:
    """Print the memory of the workers (USS) after each portion of the requests."""
    print(f"\nMiB of the workers over {REQUESTS:,} requests")
    clients = [
        [request for name in SCENARIOS for request in SCENARIOS[name](who)] for who in customers
    ]
    count = 0
    print(f"  {count:>7,}", *held(server))
    for portion in range(1, PORTIONS + 1):
        while count < portion * REQUESTS / PORTIONS:
            count += int(sent(Plan(server.port, clients, 0, SECONDS))["completed"])
        print(f"  {count:>7,}", *held(server))


def held(server: Server) -> list[str]:
    workers = server.process.children(recursive=True)
    return [f"{worker.memory_full_info().uss / 2**20:8.1f}" for worker in workers]


if __name__ == "__main__":
    main()
