"""gunicorn with the gunicorn.conf.py of the project."""

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest

from tests.support.servers import BASE, ROOT, environment, free_port, wait_until_healthy
from tests.support.waiting import wait_for

# All of these are invalid, and DATABASE_URL is missing.
BAD = {
    "FLASK_ENV": "production",
    "SECRET_KEY": "change-me",
    "DEBUG": "yes",
    "LOG_LEVEL": "LOUD",
    "REDIS_URL": "http://localhost",
    "RATE_LIMIT_LOGIN": "often",
    "TRUSTED_PROXIES": "-1",
}
NO_KEEPALIVE = {"Connection": "close"}
RECYCLED = ("--max-requests", "15", "--max-requests-jitter", "0")


def gunicorn(port, *options):
    command = ["gunicorn", "-w", "4", "-b", f"127.0.0.1:{port}", *options, "app:create_app()"]
    return [sys.executable, "-m", *command]


@contextmanager
def four_workers(env, *options):
    port = free_port()
    process = subprocess.Popen(gunicorn(port, *options), cwd=ROOT, env=env)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)


def exchange(url, request):
    """Send bytes; return head and body of all data until the server closes the connection."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port), timeout=10) as sock:
        sock.sendall(request)
        response = b"".join(iter(lambda: sock.recv(65_536), b""))
    head, _, body = response.partition(b"\r\n\r\n")
    return head.decode(), body


class TestStart:
    def test_invalid_settings_stop_the_master_with_one_message(self):
        done = subprocess.run(
            gunicorn(free_port()),
            cwd=ROOT,
            env=BASE | BAD,
            capture_output=True,
            text=True,
            timeout=30,
        )

        assert done.returncode == 1
        assert done.stderr.count("Invalid settings:") == 1
        for name in (*BAD.keys() - {"FLASK_ENV"}, "DATABASE_URL", "ALLOWED_HOSTS"):
            assert done.stderr.count(f"  {name}: ") == 1
        assert "Traceback" not in done.stderr
        assert "Booting worker" not in done.stderr

    def test_no_request_is_lost_while_workers_restart(self, migrated_url):
        with four_workers(environment(migrated_url), *RECYCLED) as (url, process):
            first = set(psutil.Process(process.pid).children())
            with (
                ThreadPoolExecutor(4) as threads,
                httpx.Client(headers=NO_KEEPALIVE, timeout=30) as client,
            ):
                responses = list(threads.map(client.get, [f"{url}/api/health/live"] * 120))
            assert {response.status_code for response in responses} == {200}
            master = psutil.Process(process.pid)
            wait_for(lambda: not first <= set(master.children()))
            last = set(master.children())

        assert len(first) == 4
        assert process.returncode == 0
        # A process that exits after the master is reaped later, by another parent.
        _, left = psutil.wait_procs(first | last, timeout=10)
        assert not left

    def test_installed_c_parser_is_not_used(self, migrated_url, tmp_path):
        (tmp_path / "gunicorn_h1c.py").write_text("LimitRequestLine = parse_request = None")
        env = environment(migrated_url, PYTHONPATH=str(tmp_path))
        with four_workers(env) as (url, _):
            assert httpx.get(f"{url}/api/health", headers=NO_KEEPALIVE).status_code == 200

    def test_signals_change_the_number_of_workers(self, migrated_url):
        metrics = str(free_port())
        with four_workers(environment(migrated_url, METRICS_PORT=metrics), "-w", "2") as (
            url,
            process,
        ):
            master = psutil.Process(process.pid)

            def workers(count):
                wait_for(lambda: len(master.children()) == count)
                assert httpx.get(f"{url}/api/health/live").status_code == 200
                assert httpx.get(f"http://127.0.0.1:{metrics}/metrics").status_code == 200
                return set(master.children())

            first = workers(2)
            process.send_signal(signal.SIGTTIN)
            workers(3)
            process.send_signal(signal.SIGTTOU)
            workers(2)
            process.send_signal(signal.SIGHUP)
            wait_for(lambda: not first & set(master.children()))
            killed, _ = workers(2)
            killed.kill()
            wait_for(lambda: killed not in master.children())
            workers(2)


class TestLog:
    def test_log_is_json_from_start_to_end(self, migrated_url, tmp_path):
        port, log = free_port(), tmp_path / "log"
        options = {"LOG_LEVEL": "INFO", "ALLOWED_HOSTS": "127.0.0.1", "FLASK_ENV": "production"}
        production = environment(migrated_url, **options)
        with log.open("w") as stderr:
            process = subprocess.Popen(
                gunicorn(port, "-w", "1"), cwd=ROOT, env=production, stderr=stderr
            )
            try:
                wait_until_healthy(f"http://127.0.0.1:{port}", process)
                httpx.get(f"http://127.0.0.1:{port}/api/health/ready")
                exchange(f"http://127.0.0.1:{port}", b"NONSENSE\r\n\r\n")
            finally:
                process.terminate()
                process.wait(30)

        lines = [json.loads(line) for line in log.read_text().splitlines()]
        messages = [line["message"] for line in lines]
        assert messages[0].startswith("Starting gunicorn")
        assert messages[-1].startswith("Shutting down")
        asked = [line for line in lines if line.get("route") == "/api/health/ready"]
        assert [line["status"] for line in asked] == [200]
        assert not [line for line in messages if "Context impl" in line]


class TestErrorsOfGunicorn:
    @pytest.mark.parametrize(
        ("request_bytes", "status"),
        [
            (b"NONSENSE\r\n\r\n", 400),
            (b"GET / HTTP/9.9\r\n\r\n", 400),
            (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 10_000 + b"\r\n\r\n", 431),
            (b"GET / HTTP/1.1\r\n" + b"X-Many: x\r\n" * 101 + b"\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: a\r\n Folded: x\r\n\r\n", 400),
            (
                b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400,
            ),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: unknown\r\n\r\n", 501),
        ],
        ids=lambda value: value[:40].decode() if isinstance(value, bytes) else str(value),
    )
    def test_is_a_problem_document(self, server, request_bytes, status):
        head, body = exchange(server.url, request_bytes)

        assert head.startswith(f"HTTP/1.1 {status} ")
        assert "Content-Type: application/problem+json" in head
        problem = json.loads(body)
        assert problem["status"] == status
        assert f"X-Request-ID: {problem['request_id']}" in head
        assert problem["type"].startswith("/api/problems/")
        assert problem["title"]
        assert problem["detail"]


class TestFlaskRun:
    def test_flask_run_needs_no_flask_app_variable(self, migrated_url):
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "run", "--port", str(port)],
            cwd=ROOT,
            env=environment(migrated_url),
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process)
        finally:
            # Not SIGINT, which background jobs of a shell ignore.
            process.terminate()
            status = process.wait(30)

        assert status == -signal.SIGTERM
