"""docker/compose.yaml, parsed by Compose, which needs no engine."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from app.settings import Settings, SettingsError
from app.settings.safety import SAMPLE_SECRET
from services.webhook_deliverer import GRACE_SECONDS
from tests.support.servers import BASE, ROOT, SECRET_KEY

pytestmark = pytest.mark.deploy

GIVEN = {"SECRET_KEY": SECRET_KEY, "POSTGRES_PASSWORD": "s3cret"}


@cache
def compose():
    """Return the command of Compose: docker's plugin, or the one in the test environment."""
    if shutil.which("docker") and not subprocess.call(
        ["docker", "compose", "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ):
        return ("docker", "compose")
    if found := shutil.which("docker-compose", path=str(Path(sys.executable).parent)):
        return (found,)
    return ()


def config(**given):
    """Return the configuration that Compose reads, with `given` in its environment."""
    if not compose():
        pytest.skip("not installed: docker compose")
    command = (*compose(), "-f", "docker/compose.yaml", "config", "--format", "json")
    return subprocess.run(command, cwd=ROOT, env=BASE | given, capture_output=True, text=True)


@pytest.fixture(scope="module")
def services():
    done = config(**GIVEN)
    assert done.stderr == ""
    return json.loads(done.stdout)["services"]


class TestSecrets:
    @pytest.mark.parametrize("name", GIVEN)
    def test_secrets_are_required(self, name):
        done = config(**GIVEN | {name: ""})

        assert f"required variable {name} is missing a value: set it" in done.stderr
        assert done.stdout == ""

    def test_sample_secret_is_rejected(self):
        shown = json.loads(config(**GIVEN | {"SECRET_KEY": SAMPLE_SECRET}).stdout)

        with pytest.raises(SettingsError, match="SECRET_KEY: is a sample"):
            Settings.load(shown["services"]["api"]["environment"])


class TestApi:
    def test_environment_is_valid_in_production(self, services):
        environment = services["api"]["environment"]

        settings = Settings.load(environment)

        assert settings.production
        assert settings.database_url.startswith("postgresql+psycopg2://flask_api:s3cret@postgres")
        assert {name.lower() for name in environment} <= set(Settings.__dataclass_fields__)

    @pytest.mark.parametrize("name", ["api", "migrate", "webhooks", "redis"])
    def test_container_has_no_unneeded_privileges(self, services, name):
        service = services[name]

        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service

    def test_api_waits_for_the_migration_and_the_database(self, services):
        def awaited(name):
            needs = services[name]["depends_on"].items()
            return {other: need["condition"] for other, need in needs}

        assert awaited("api") == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }
        assert awaited("migrate") == {"postgres": "service_healthy"}
        assert services["migrate"]["image"] == services["api"]["image"]
        assert services["migrate"]["command"] == ["alembic", "upgrade", "head"]

    def test_image_is_built_from_the_dockerfile(self, services):
        build = services["api"]["build"]

        assert Path(build["context"], build["dockerfile"]) == ROOT / "Dockerfile"

    def test_grace_period_is_longer_than_requests(self, services):
        # In a separate process, because gevent patches the importing process.
        code = "import runpy; print(runpy.run_path('gunicorn.conf.py')['graceful_timeout'])"
        command = [sys.executable, "-c", code]
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

        assert services["api"]["stop_grace_period"] == "30s"
        assert int(printed.stdout) < 30


class TestWebhooks:
    def test_it_has_the_settings_of_the_api(self, services):
        ours, api = services["webhooks"], services["api"]

        assert ours["command"] == ["flask", "deliver"]
        assert ours["environment"] == api["environment"]
        assert ours["depends_on"].items() < api["depends_on"].items()

    def test_grace_period_is_longer_than_attempts(self, services):
        assert services["webhooks"]["stop_grace_period"] == "30s"
        assert GRACE_SECONDS < 30


class TestNetwork:
    def test_only_the_api_is_published_and_only_on_localhost(self, services):
        published = {
            name: service["ports"] for name, service in services.items() if "ports" in service
        }

        assert list(published) == ["api"]
        assert [port["host_ip"] for port in published["api"]] == ["127.0.0.1"]
        outside = {name for name, service in services.items() if "outside" in service["networks"]}
        assert outside == {"api", "webhooks"}


class TestServers:
    @pytest.mark.parametrize("name", ["postgres", "redis"])
    def test_servers_have_a_version_and_a_health_check(self, services, name):
        assert services[name]["image"].rpartition(":")[2] not in ("", "latest")
        assert services[name]["healthcheck"]["test"][0] == "CMD"
