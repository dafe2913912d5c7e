"""The image: files, user and commands, with a read-only root."""

import re

import httpx
import pytest
from redis import Redis

from tests.deploy.containers import once, running
from tests.deploy.images import base, configuration, health_command
from tests.support.servers import ROOT

pytestmark = pytest.mark.deploy

# Mounts of the container runtime; /tmp is a tmpfs of the tests.
WRITABLE = {"/tmp", "/dev/shm", "/dev/mqueue"}


@pytest.fixture(scope="module")
def alone(image, production):
    """Run the default command of the image without a network."""
    with running(production, network="none") as container:
        container.wait_until_alive()
        yield container


class TestCommand:
    def test_serves_on_every_address_at_port_8000(self, alone):
        assert "00000000:1F40 " in alone.exec("cat", "/proc/net/tcp").stdout
        assert list(configuration()["Config"]["ExposedPorts"]) == ["8000/tcp"]

    def test_user_is_numeric_and_not_root(self, alone):
        assert configuration()["User"] == "10001:10001"
        status = alone.exec("cat", "/proc/1/status").stdout
        assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.M)
        assert re.search(r"^Gid:\t10001\t10001\t10001\t10001$", status, re.M)
        assert re.search(r"^CapBnd:\t0+$", status, re.M)

    def test_health_check_fails_without_a_server(self, image, production):
        done = once(production, *health_command(), network="none")

        assert done.returncode == 1

    def test_health_check_succeeds_for_a_live_service(self, alone):
        assert alone.exec(*health_command()).returncode == 0

    def test_exits_with_0_on_sigterm(self, image, production):
        with running(production, network="none") as container:
            container.wait_until_alive()
            status = container.stop(grace=30)

        assert configuration()["Config"]["StopSignal"] == "SIGTERM"
        assert status == 0

    def test_starts_with_the_env_example(self, image):
        options = ("--env-file", str(ROOT / ".env.example"))
        with running({}, network="none", options=options) as container:
            container.wait_until_alive()

    def test_any_user_id_works(self, image, production):
        options = ("--user", "54321:0")
        with running(production, network="none", options=options) as container:
            container.wait_until_alive()

    @pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS"])
    def test_does_not_start_without_required_settings(self, image, production, name):
        done = once({**production, name: ""})

        assert done.returncode == 1
        assert f"  {name}: is missing" in done.stderr
        assert "Traceback" not in done.stderr


class TestFiles:
    def test_only_tmp_can_be_written(self, alone):
        kinds = ("(", "-type", "d", "-o", "-type", "f", ")")
        found = alone.exec(
            "find", "/", "-path", "/proc", "-prune", "-o", *kinds, "-writable", "-print"
        )

        paths = set(found.stdout.split())
        assert "/tmp" in paths
        assert {path for path in paths if not path.startswith("/tmp/")} <= WRITABLE
        assert alone.exec("touch", "/tmp/there").returncode == 0
        assert alone.exec("touch", "/srv/there").returncode != 0

    def test_code_is_owned_by_root(self, alone):
        ours = alone.exec(
            "find", "/srv", "/opt/venv", "-user", "app", "-o", "-perm", "-o=w", "!", "-type", "l"
        )

        assert ours.stdout == ""

    def test_image_has_no_build_or_test_tools(self, alone):
        tools = "python3 pip pip3 gcc cc make git curl pytest black uv"
        found = alone.exec("sh", "-c", f"for tool in {tools}; do command -v $tool; done")

        assert found.stdout.split() == ["/opt/venv/bin/python3"]

    def test_image_has_no_build_or_test_modules(self, alone):
        modules = ("app", "pytest", "hypothesis", "tests", "tools")
        code = f"from importlib.util import find_spec; print(*filter(find_spec, {modules}))"

        assert alone.exec("python3", "-c", code).stdout.split() == ["app"]

    def test_image_has_no_pip(self, alone):
        names = ("-name", "pip", "-o", "-name", "pip[-.0-9]*", "-o", "-name", "ensurepip")
        found = alone.exec(
            "find", "/", "-path", "/proc", "-prune", "-o", "(", *names, ")", "-print"
        )

        assert found.stdout == ""

    def test_image_has_only_the_files_that_run(self, alone):
        names = set(alone.exec("ls", "-A", "/srv").stdout.split())

        assert names == {
            *("LICENSE", "__pycache__", "alembic", "app", "commands", "docker", "gunicorn.conf.py"),
            *("models", "pyproject.toml", "requirements.txt", "resources", "schemas", "services"),
        }

    def test_every_source_is_compiled(self, alone):
        sources = alone.exec("find", "/srv", "-name", "*.py").stdout.split()
        compiled = alone.exec("find", "/srv", "-name", "*.pyc").stdout.split()

        assert sources
        assert len(sources) == len(compiled)

    def test_base_has_the_python_version_of_the_dockerfile(self, alone):
        assert alone.exec("python3", "--version").stdout.startswith(f"Python {base()[1]}.")


class TestLabels:
    def test_labels_have_the_version_and_the_commit(self, alone):
        labels = configuration()["Labels"]
        version = alone.exec("python3", "-c", "import app; print(app.__version__)").stdout.strip()

        assert labels["org.opencontainers.image.version"] == version
        assert re.fullmatch("[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
        assert labels["org.opencontainers.image.licenses"] == "MIT"


class TestServing:
    def test_is_ready_on_the_database_that_the_image_migrated(self, container):
        response = httpx.get(f"{container.url}/api/health/ready")

        assert response.json() == {"status": "ready"}

    def test_the_documentation_and_its_assets_are_served(self, container):
        for path in ("docs", "redoc", "openapi.json", "static/swagger-ui/swagger-ui.css"):
            assert httpx.get(f"{container.url}/api/{path}").status_code == 200

    def test_limits_are_counted_in_redis(self, container, redis_url):
        with Redis.from_url(redis_url) as redis:
            redis.flushall()
            httpx.get(f"{container.url}/api/docs")

            assert redis.dbsize() == 1

    def test_log_is_json_without_errors(self, container):
        httpx.get(f"{container.url}/api/health")

        lines = container.logs().splitlines()
        assert [line for line in lines if '"route":"/api/health"' in line.replace(" ", "")]
        assert not [line for line in lines if '"ERROR"' in line or "Traceback" in line]


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "told"),
        [
            (("alembic", "current"), "(head)"),
            (("alembic", "upgrade", "head"), ""),
            (("flask", "prune"), "Pruned 0 idempotency keys."),
        ],
    )
    def test_run_in_the_image(self, migrated, command, told):
        done = once(migrated, *command)

        assert done.returncode == 0, done.stderr
        assert told in done.stdout
