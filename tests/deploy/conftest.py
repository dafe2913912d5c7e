"""Fixtures: the image, and the servers that its containers use."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import SECRET_KEY
from tests.deploy import engine, images
from tests.deploy.containers import Container, once, running
from tests.deploy.servers import postgres_on_tcp
from tools.embedded import free_port


@contextmanager
def one_process_at_a_time() -> Iterator[None]:
    """Hold a file lock: the second process of xdist finds the base image and all layers built."""
    engine.FOLDER.mkdir(parents=True, exist_ok=True)
    with (engine.FOLDER / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def image() -> str:
    """Build the image of the service once, for podman with the settings of `engine`."""
    if reason := engine.why_not():
        pytest.skip(reason)
    with one_process_at_a_time():
        return images.build()


@pytest.fixture(scope="session")
def postgres_tcp_url() -> Iterator[str]:
    """Return the URL of an empty PostgreSQL server on 127.0.0.1."""
    # Not in tmp_path: pytest makes that folder private, and PostgreSQL may run as another user.
    with TemporaryDirectory() as folder, postgres_on_tcp(Path(folder) / "postgres") as url:
        yield url


@pytest.fixture(scope="session")
def production(postgres_tcp_url, redis_url) -> dict[str, str]:
    """Return the environment of the service in production."""
    return {
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": postgres_tcp_url,
        "REDIS_URL": redis_url,
        "ALLOWED_HOSTS": "127.0.0.1",
    }


@pytest.fixture(scope="session")
def migrated(image, production) -> dict[str, str]:
    """Migrate the database with the image, and return `production`."""
    done = once(production, "alembic", "upgrade", "head")
    assert done.returncode == 0, done.stdout + done.stderr
    return production


@pytest.fixture(scope="session")
def container(migrated) -> Iterator[Container]:
    """Run the service in a container, on a free port of 127.0.0.1."""
    address = f"127.0.0.1:{free_port()}"
    command = ("gunicorn", "--bind", address, "app:create_app()")
    with running(migrated, *command, url=f"http://{address}") as container:
        container.wait_until_reached()
        yield container
