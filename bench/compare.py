"""Benchmark of the service against bare WSGI, FastAPI and Litestar: `make bench`.

All targets implement the same operations on copies of one database. They share the machine with
PostgreSQL and the load generator: compare the ratios, not the absolute figures. Only the service
has rate limits, an access log and security headers: it runs with its production settings.
"""

import json
import os
import platform
import signal
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url

from bench import report
from bench.load import Plan
from bench.scenarios import SCENARIOS, Customer, invalid_orders, responses, sign_in
from bench.targets import DATA, ROOT, TARGETS, TEMPLATE, Server, fill, new_database, served
from tools.embedded import postgres

ROUNDS, WARM_UP, SECONDS = 3, 0.5, 3.5

# The measurements of each target, one for each round.
Rounds = dict[str, list[dict[str, float]]]


def main() -> int:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)
    DATA.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            url = make_url(stack.enter_context(postgres(DATA / "postgres")))
            postgresql = url.set(drivername="postgresql+psycopg2")
            customers = prepare(postgresql)
            servers = start(postgresql, stack)
            check(servers, customers[0])
            results = {name: measure(name, servers, customers) for name in SCENARIOS}
    except KeyboardInterrupt:
        return 130
    publish({name: figures(rounds) for name, rounds in results.items()})
    return 0


def prepare(postgresql: URL) -> list[Customer]:
    """Fill the template database of all targets, and sign in the customers."""
    template = new_database(postgresql, TEMPLATE)
    fill(template)
    with served(TARGETS[0], template) as service:
        return sign_in(service)


def start(postgresql: URL, stack: ExitStack) -> dict[str, Server]:
    servers = {}
    for target in TARGETS:
        url = new_database(postgresql, f"bench_{target.name}", TEMPLATE)
        servers[target.name] = stack.enter_context(served(target, url))
    return servers


def check(servers: dict[str, Server], who: Customer) -> None:
    """Check that all targets return the same responses, and all except `floor` validate input."""
    expected, *others = (responses(server, who) for server in servers.values())
    for name, found in zip(list(servers)[1:], others, strict=True):
        assert found == expected, f"{name} returns\n{found}\ninstead of\n{expected}"
    for name, server in servers.items():
        if name != "floor":
            statuses = invalid_orders(server, who)
            assert set(statuses) == {422}, f"{name} returns {statuses} for invalid orders"


def measure(scenario: str, servers: dict[str, Server], customers: list[Customer]) -> Rounds:
    """Measure the targets in turn, so that a slow phase of the machine affects all targets."""
    requests = [SCENARIOS[scenario](customer) for customer in customers]
    rounds: Rounds = {name: [] for name in servers}
    for i in range(ROUNDS):
        print(f"{scenario}, round {i + 1} of {ROUNDS}", file=sys.stderr)
        for name, server in servers.items():
            rounds[name].append(loaded(server, Plan(server.port, requests, WARM_UP, SECONDS)))
    return rounds


def loaded(server: Server, plan: Plan) -> dict[str, float]:
    """Return the report of the load generator, and the CPU time for each request."""
    before = server.cpu_seconds()
    measured = sent(plan)
    used = server.cpu_seconds() - before
    completed = max(measured.pop("completed"), 1)
    return {**measured, "cpu_ms": used / completed * 1000}


def sent(plan: Plan) -> dict[str, float]:
    """Run the load generator in its own process, and return its report."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        cwd=ROOT,
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        process_group=0,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def figures(rounds: Rounds) -> dict[str, Any]:
    """Return the medians and errors of each target, and the ratios of the service to the others."""
    return {
        "targets": {name: summary(each) for name, each in rounds.items()},
        "ratios": {
            f"{metric} service/{other}": ratio(rounds, metric, other)
            for metric in ("requests_per_second", "cpu_ms")
            for other in rounds
            if other != "service"
        },
    }


def summary(measured: list[dict[str, float]]) -> dict[str, float]:
    medians = {name: statistics.median(each[name] for each in measured) for name in measured[0]}
    return {**medians, "errors": sum(each["errors"] for each in measured)}


def ratio(rounds: Rounds, metric: str, other: str) -> float:
    """Return the median of the ratios of all rounds, on which one slow round has little effect."""
    pairs = zip(rounds["service"], rounds[other], strict=True)
    return statistics.median(mine[metric] / theirs[metric] for mine, theirs in pairs)


def publish(scenarios: dict[str, Any]) -> None:
    """Print the results, and write them to docs/operators/performance.*."""
    about = machine()
    document = {"about": about, "seconds": SECONDS, "rounds": ROUNDS, "scenarios": scenarios}
    print(*report.rate_table(document), "", *report.ratio_table(document), sep="\n")
    report.JSON.write_text(json.dumps(rounded(document), indent=2) + "\n")
    report.write()


def machine() -> dict[str, str]:
    return {
        "cpu": f"{cpu_model()}, {os.cpu_count()} cores",
        "python": f"Python {platform.python_version()}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def cpu_model() -> str:
    """Return the CPU model from /proc/cpuinfo; on other systems, the architecture."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def interrupt(*_: object) -> None:
    """Raise KeyboardInterrupt once: a second signal would interrupt the cleanup."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
