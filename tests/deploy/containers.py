"""Containers with the restrictions of a strict cluster: read-only, no capabilities, not root."""

import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.deploy.engine import podman
from tests.deploy.images import IMAGE, health_command

STRICT = (
    *("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp"),
    *("--cap-drop", "all", "--security-opt", "no-new-privileges"),
    # Without systemd, the tests run the health check.
    "--no-healthcheck",
)


@dataclass(frozen=True)
class Container:
    name: str
    url: str = ""

    def exec(self, *command: str) -> subprocess.CompletedProcess:
        return podman("exec", self.name, *command, check=False)

    def logs(self) -> str:
        done = podman("logs", self.name)
        return done.stdout + done.stderr

    def stop(self, grace: int = 30) -> int:
        """Stop it, and return the exit status; 137 if it was killed after `grace` seconds."""
        podman("stop", "--time", str(grace), self.name)
        return int(podman("inspect", "--format", "{{.State.ExitCode}}", self.name).stdout)

    def wait_until_alive(self) -> None:
        """Wait for the health check of the image."""
        self._wait(lambda: self.exec(*health_command()).returncode == 0)

    def wait_until_reached(self) -> None:
        """Wait for a response at the published URL."""
        self._wait(self._reached)

    def _reached(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/health/live", timeout=1).is_success
        except httpx.TransportError:
            return False

    def _wait(self, come: Callable[[], bool], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not come():
            state = podman("inspect", "--format", "{{.State.Status}}", self.name).stdout.strip()
            assert state == "running", f"{state}: {self.logs()}"
            assert time.monotonic() < deadline, f"nothing in {seconds} s: {self.logs()}"
            time.sleep(0.1)


def once(env: Mapping[str, str], *command: str, network: str = "host"):
    """Run the image's command, or another one, to its end."""
    options = _options(env, network)
    return podman("run", "--rm", *options, IMAGE, *command, check=False)


@contextmanager
def running(
    env: Mapping[str, str],
    *command: str,
    network: str = "host",
    url: str = "",
    options: tuple[str, ...] = (),
) -> Iterator[Container]:
    """Run a container of the image until the end of the block."""
    container = Container(f"flask-api-{secrets.token_hex(4)}", url)
    options = ("--name", container.name, *_options(env, network), *options)
    podman("run", "--detach", *options, IMAGE, *command)
    try:
        yield container
    finally:
        podman("rm", "--force", "--time", "5", container.name)


def _options(env: Mapping[str, str], network: str) -> tuple[str, ...]:
    variables = (f"--env={name}={value}" for name, value in env.items())
    return (*STRICT, "--network", network, *variables)
