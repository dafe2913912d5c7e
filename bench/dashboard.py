"""Picture of the chart's Grafana dashboard, from real metrics: `make dashboard-picture`.

Prometheus scrapes two servers and a delivery process under a small load. PostgreSQL restarts once,
so that the panels of errors have data.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from sqlalchemy.engine import URL, make_url

from bench.dashboard_queries import JOB, NAMESPACE, SCRAPE_SECONDS, Panel, has_data, queried
from bench.dashboard_traffic import send_traffic
from bench.targets import (
    DATA,
    ROOT,
    SERVICE,
    Server,
    Target,
    environment,
    fill,
    new_database,
    served,
)
from bench.webhooks import connects, prepare, receiver, running, wait_for
from tools.embedded import free_port, postgres, stopped, valkey

PICTURE = ROOT / "docs" / "images" / "dashboard.png"
FOLDER = DATA / "prometheus"
SERVERS = ("api-1", "api-2")
DELIVERER = "webhooks-1"
# The warm-up, because the first rates need two scrapes.
WARM_UP, SECONDS = 10, 120
OUTAGE_AT, OUTAGE_SECONDS = 70, 2
SETTINGS = {
    "FLASK_ENV": "development",
    "WEB_CONCURRENCY": "1",
    "LOG_LEVEL": "CRITICAL",
    "SMTP_URL": "log:",
    "MAIL_FROM": "no-reply@example.com",
    "PUBLIC_URL": "http://localhost",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    # The load exceeds these limits.
    "RATE_LIMIT_LOGIN": "5 per minute",
    "RATE_LIMIT_API_KEY": "60 per minute",
}


def main() -> int:
    if not shutil.which("prometheus"):
        print("Install prometheus; Debian has it in `prometheus`.", file=sys.stderr)
        return 1
    DATA.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        url = make_url(stack.enter_context(postgres(DATA / "postgres")))
        database = new_database(url.set(drivername="postgresql+psycopg2"), "bench_dashboard")
        fill(database)
        panels = measured(database, stack)
    draw(panels)
    empty = [panel["title"] for panel in panels if not has_data(panel)]
    print("\n".join([f"{PICTURE.relative_to(ROOT)}", *(f"no data: {title}" for title in empty)]))
    return 0


def measured(database: URL, stack: ExitStack) -> list[Panel]:
    """Run the pods under load, and return the panels with their data."""
    ports = {name: free_port() for name in (*SERVERS, DELIVERER)}
    servers = started(database, ports, stack)
    prometheus = stack.enter_context(scraping(ports))
    end = time.time() + WARM_UP + SECONDS
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(send_traffic, servers, end)
        restart_postgres()
        traffic.result()
    return queried(prometheus, end - SECONDS, end)


def started(database: URL, ports: dict[str, int], stack: ExitStack) -> list[Server]:
    """Start the pods, with a receiver that accepts webhooks and one that is unavailable."""
    accepting, closed = stack.enter_context(receiver()), free_port()
    prepare(database, [accepting, closed], 0)
    settings = SETTINGS | {"REDIS_URL": stack.enter_context(valkey())}
    settings["WEBHOOK_PORTS"] = f"{accepting},{closed}"
    servers = [
        stack.enter_context(served(pod(name, settings, ports[name]), database)) for name in SERVERS
    ]
    deliver = environment(database) | settings | {"METRICS_PORT": str(ports[DELIVERER])}
    stack.enter_context(running("-m", "flask", "deliver", **deliver))
    wait_for(lambda: connects(ports[DELIVERER]))
    return servers


def pod(name: str, settings: dict[str, str], metrics_port: int) -> Target:
    """Return the target of a pod; the command `env` overrides the settings of the benchmark."""
    values = settings | {"METRICS_PORT": str(metrics_port)}
    variables = " ".join(f"'{key}={value}'" for key, value in values.items())
    return Target(name, name, ROOT, f"env {variables} {SERVICE['start']}")


@contextmanager
def scraping(ports: dict[str, int]) -> Iterator[int]:
    """Run a Prometheus server that scrapes these pods, and yield its port."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    (FOLDER / "prometheus.yaml").write_text(json.dumps(scrape_config(ports)))
    port = free_port()
    command = (
        "prometheus",
        "--log.level=warn",
        "--config.file=prometheus.yaml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    process = subprocess.Popen(command, cwd=FOLDER, process_group=0)
    try:
        wait_for(lambda: connects(port))
        yield port
    finally:
        process.terminate()
        process.wait()


def scrape_config(ports: dict[str, int]) -> dict[str, object]:
    """Return the configuration, with the labels that the chart's ServiceMonitor adds."""
    targets = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": NAMESPACE, "pod": name}}
        for name, port in ports.items()
    ]
    interval = f"{SCRAPE_SECONDS}s"
    times = {"scrape_interval": interval, "scrape_timeout": interval}
    return {"scrape_configs": [{"job_name": JOB, **times, "static_configs": targets}]}


def restart_postgres() -> None:
    time.sleep(OUTAGE_AT)
    with stopped(DATA / "postgres", "fast"):
        time.sleep(OUTAGE_SECONDS)


def draw(panels: list[Panel]) -> None:
    """Write the picture with `.venv-bench`, the environment that has matplotlib."""
    PICTURE.parent.mkdir(exist_ok=True)
    python = ROOT / ".venv-bench" / "bin" / "python"
    command = [str(python), "-m", "bench.dashboard_chart", str(PICTURE)]
    subprocess.run(command, cwd=ROOT, input=json.dumps(panels), text=True, check=True)


if __name__ == "__main__":
    sys.exit(main())
