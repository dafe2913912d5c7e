"""PORT and WEB_CONCURRENCY, as hosting platforms set them, on a gunicorn without options."""

import subprocess
import sys
from contextlib import contextmanager

import psutil

from tests.support.servers import ROOT, environment, free_port, wait_until_healthy
from tests.support.waiting import wait_for


@contextmanager
def plain_gunicorn(database_url, **variables):
    """Run the command of the image, and yield its process after it responds on PORT."""
    command = [sys.executable, "-m", "gunicorn", "app:create_app()"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(database_url, **variables))
    try:
        wait_until_healthy(f"http://127.0.0.1:{variables['PORT']}", process)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def test_port_and_web_concurrency_are_used(migrated_url):
    port = free_port()
    with plain_gunicorn(migrated_url, PORT=str(port), WEB_CONCURRENCY="3") as master:
        wait_for(lambda: len(master.children()) == 3)
        (listening,) = [each for each in master.net_connections() if each.status == "LISTEN"]

    assert listening.laddr == ("0.0.0.0", port)  # noqa: S104


def test_health_check_of_the_image_follows_port(migrated_url):
    command = [sys.executable, "-IS", ROOT / "docker" / "healthcheck.py"]
    port = str(free_port())
    with plain_gunicorn(migrated_url, PORT=port) as master:
        assert len(master.children()) == 2
        assert subprocess.run(command, env={"PORT": port}, timeout=30).returncode == 0

    assert subprocess.run(command, env={"PORT": port}, stderr=-3, timeout=30).returncode == 1


def test_invalid_number_of_workers_is_an_error(migrated_url):
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config", "app:create_app()"],
        cwd=ROOT,
        env=environment(migrated_url, WEB_CONCURRENCY="-1"),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert "Value must be positive: -1" in done.stderr
