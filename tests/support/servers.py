"""Run the service with gunicorn in separate processes, as in production."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from tests.support.pgbouncer import pooled
from tools.embedded import free_port

ROOT = Path(__file__).parents[2]
SECRET_KEY = "a secret that only tests know, 32 bytes and more"
PLENTY = "1000000 per minute"
# Environment variables that each process needs, without the settings of the developer's shell.
BASE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


@dataclass(frozen=True)
class Server:
    url: str
    process: subprocess.Popen
    environment: dict[str, str]

    @contextmanager
    def signed_in(self, email: str, password: str) -> Iterator[httpx.Client]:
        """Yield a client with an access token."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            response = client.post("/api/auth/login", json={"email": email, "password": password})
            client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
            yield client

    def flask(self, *args: str, **more: str) -> str:
        """Run a `flask` command with the server's settings and `more`; return its output."""
        command, env = [sys.executable, "-m", "flask", *args], {**self.environment, **more}
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


# Mails are written to the log; a service in production rejects this setting.
MAILS = {
    "SMTP_URL": "log:",
    "MAIL_FROM": "no-reply@example.com",
    "PUBLIC_URL": "http://localhost",
}


def environment(database_url: str, **more: str) -> dict[str, str]:
    return {
        **BASE,
        "FLASK_ENV": "development",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": database_url,
        "DATABASE_POOLER": str(pooled(database_url)),
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT_DEFAULT": PLENTY,
        "RATE_LIMIT_API_KEY": PLENTY,
        "RATE_LIMIT_NEW_API_KEY": PLENTY,
        "RATE_LIMIT_LOGIN": PLENTY,
        "RATE_LIMIT_LOGIN_ACCOUNT": PLENTY,
        "RATE_LIMIT_LOGIN_ADDRESS": PLENTY,
        "RATE_LIMIT_PASSWORD": PLENTY,
        "RATE_LIMIT_REGISTER": PLENTY,
        "RATE_LIMIT_FORGOT_PASSWORD": PLENTY,
        "RATE_LIMIT_FORGOT_PASSWORD_ACCOUNT": PLENTY,
        "RATE_LIMIT_FORGOT_PASSWORD_ADDRESS": PLENTY,
        "RATE_LIMIT_MAIL": PLENTY,
        "RATE_LIMIT_SECOND_FACTOR": PLENTY,
        "RATE_LIMIT_EXPORT": PLENTY,
        **({} if more.get("FLASK_ENV") == "production" else MAILS),
        **more,
    }


@contextmanager
def served(database_url: str, stderr: IO[str] | None = None, **more: str) -> Iterator[Server]:
    """Run gunicorn on a free port with `more` in its environment, until the end of the block."""
    port, env = free_port(), environment(database_url, **more)
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "app:create_app()"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=stderr)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_healthy(url, process)
        yield Server(url, process, env)
    finally:
        process.terminate()
        process.wait(30)


def wait_until_healthy(url: str, process: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with status {process.returncode}"
        try:
            if httpx.get(f"{url}/api/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"no response from {url} in {seconds} s")
