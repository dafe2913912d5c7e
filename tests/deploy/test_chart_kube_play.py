"""The rendered pods in podman: they serve, migrate, place orders and prune."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.deploy import charts
from tests.deploy.charts import pod_spec
from tests.deploy.containers import Container
from tests.deploy.engine import podman
from tools.embedded import free_port

pytestmark = pytest.mark.deploy
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Release:
    """The rendered manifests that podman 4.3 supports."""

    manifests: list[dict[str, Any]]
    folder: Path
    url: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    @contextmanager
    def playing(self, manifest: dict[str, Any]) -> Iterator[Container]:
        """Run the container of a manifest until the end of the block."""
        name = manifest["metadata"]["name"]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            # podman does not support Jobs, so this runs their pods.
            "metadata": {"name": name},
            "spec": pod_spec(manifest),
        }
        file = self.folder / f"{name}.yaml"
        played = [manifest] if manifest["kind"] == "Deployment" else [pod]
        file.write_text(yaml.safe_dump_all([*self.of("ConfigMap"), *played]))
        podman("kube", "play", "--network", "host", file)
        replica = f"{name}-pod-0" if manifest["kind"] == "Deployment" else name
        try:
            yield Container(f"{replica}-{pod['spec']['containers'][0]['name']}", self.url)
        finally:
            podman("kube", "down", file)

    def run(self, kind: str, component: str = "") -> tuple[int, str]:
        """Run a pod to its end, and return its exit status and log."""
        manifest = charts.pick(self.manifests, kind, component)
        with self.playing(manifest) as container:
            status = int(podman("wait", container.name).stdout)
            return status, container.logs()


@pytest.fixture(scope="module")
def release(image, postgres_tcp_url, redis_url, tmp_path_factory) -> Iterator[Release]:
    address = f"{HOST}:{free_port()}"
    values = {
        "image.repository": image.rpartition(":")[0],
        "image.tag": image.rpartition(":")[2],
        "image.pullPolicy": "Never",
        "replicaCount": "1",
        "metrics.port": str(free_port()),
        "helmTest.placeOrder": "true",
        "settings.ALLOWED_HOSTS": HOST,
        "secrets.DATABASE_URL": empty_database(postgres_tcp_url),
        "secrets.REDIS_URL": redis_url,
    }
    options = ",".join(f"{name}={value}" for name, value in values.items())
    options += ",webhooks.enabled=false"  # its metrics would need another port of the host
    manifests = charts.manifests("minimal", 4, "--set", options)
    adapt(manifests, address)
    folder = tmp_path_factory.mktemp("manifests")
    release = Release(manifests, folder, f"http://{address}")
    with stored(release.of("Secret"), folder):
        yield release


def empty_database(server: str) -> str:
    name, url = f"chart_{secrets.token_hex(4)}", make_url(server)
    engine = create_engine(url.set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def adapt(manifests, address):
    """Remove the features that podman 4.3 does not support.

    Podman asks a container by timers of systemd, and maps no ports of a host's network: there each
    service needs an address of its own.
    """
    for manifest in manifests:
        match manifest["kind"]:
            case "Deployment":
                (container,) = pod_spec(manifest)["containers"]
                for name in ("ports", "startupProbe", "livenessProbe", "readinessProbe"):
                    del container[name]
                container["args"] = ["gunicorn", "--bind", address, "app:create_app()"]
            case "Pod":
                (container,) = pod_spec(manifest)["containers"]
                container["args"] = [f"http://{address}/api"]


@contextmanager
def stored(manifests, folder):
    """Return the Secrets in the format of podman 4.3."""
    for manifest in manifests:
        file = folder / "secret.json"
        file.write_text(json.dumps(manifest["data"]))
        podman("secret", "create", manifest["metadata"]["name"], file)
    try:
        yield
    finally:
        podman("secret", "rm", *(manifest["metadata"]["name"] for manifest in manifests))


@pytest.fixture(scope="module")
def migration(release, api) -> tuple[int, str]:
    """Run the migration, while the pod of the service waits for it."""
    assert ready(release).status_code == 503
    return release.run("Job")


@pytest.fixture(scope="module")
def api(release) -> Iterator[Container]:
    (deployment,) = release.of("Deployment")
    with release.playing(deployment) as container:
        container.wait_until_reached()
        yield container


def ready(release):
    return httpx.get(f"{release.url}/api/health/ready")


def test_pods_wait_for_the_migration_and_then_are_ready(release, migration):
    status, log = migration

    assert status == 0, log
    assert ready(release).status_code == 200


def test_an_order_is_placed_and_replayed(release, migration):
    status, log = release.run("Pod", "test-order")

    assert status == 0, log
    assert "Registered, ordered and replayed." in log


def test_reading_test_pod_succeeds(release, migration):
    (manifest,) = (each for each in release.of("Pod") if each["metadata"]["name"].endswith("-test"))

    with release.playing(manifest) as container:
        status, log = int(podman("wait", container.name).stdout), container.logs()

    assert status == 0, log
    assert "The service is ready and responds." in log


def test_pruning_exits_with_0(release, migration):
    status, log = release.run("CronJob")

    assert status == 0, log
    assert "Pruned 0 sessions." in log


def test_pod_runs_with_the_rendered_restrictions(api):
    config = json.loads(podman("inspect", api.name).stdout)[0]

    assert config["Config"]["User"] == "10001:10001"
    assert config["HostConfig"]["ReadonlyRootfs"] is True
    assert "no-new-privileges" in config["HostConfig"]["SecurityOpt"]
    assert not config["EffectiveCaps"]
    assert api.exec("touch", "/tmp/it").returncode == 0
    assert api.exec("touch", "/srv/it").returncode != 0


def test_metrics_are_on_the_port_of_the_chart(release, api):
    (port,) = (
        entry["value"]
        for entry in pod_spec(release.of("Deployment")[0])["containers"][0]["env"]
        if entry["name"] == "METRICS_PORT"
    )

    assert "http_requests_total" in httpx.get(f"http://{HOST}:{port}/metrics").text
