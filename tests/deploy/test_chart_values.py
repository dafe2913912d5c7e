"""Values of the chart: settings, schema and the table in its README."""

import dataclasses
import json
from base64 import b64encode

import pytest
import yaml

from app.settings import Settings
from tests.deploy import charts
from tests.deploy.charts import only, pod_spec
from tools import chart_values

pytestmark = pytest.mark.deploy
DEFAULTS = yaml.safe_load((charts.CHART / "values.yaml").read_text())
SCHEMA = json.loads((charts.CHART / "values.schema.json").read_text())
# Settings with their own value in the chart, because other objects depend on them.
ELSEWHERE = {"METRICS_PORT", "OTEL_EXPORTER_OTLP_ENDPOINT"}


class TestSettings:
    def test_chart_has_exactly_the_settings_of_the_service(self):
        settings = {field.name.upper() for field in dataclasses.fields(Settings)}

        assert settings - ELSEWHERE == set(DEFAULTS["settings"]) | set(DEFAULTS["secrets"])

    def test_defaults_equal_those_of_the_service(self):
        ours = {
            field.name.upper(): (
                ",".join(map(str, field.default))
                if isinstance(field.default, tuple)
                else field.default
            )
            for field in dataclasses.fields(Settings)
        }

        for name, default in (DEFAULTS["settings"] | DEFAULTS["secrets"]).items():
            assert default == ours[name], name

    def test_rendered_settings_are_valid(self):
        given = only("ConfigMap", "everything", "-s", "templates/configmap.yaml")["data"]
        values = yaml.safe_load(charts.VALUES["everything"].read_text())

        settings = Settings.load(given | values["secrets"])

        assert settings.allowed_hosts == ("api.example.com", "shop.example.com")
        assert settings.trusted_proxies == 1
        assert settings.production

    @pytest.mark.parametrize("values", ["everything", "minimal"])
    def test_secret_values_are_only_in_secrets(self, values):
        given = yaml.safe_load(charts.VALUES[values].read_text())["secrets"].values()
        others = str([m for m in charts.manifests(values) if m["kind"] != "Secret"])

        for secret in given:
            assert b64encode(secret.encode()).decode() in charts.text(values)
            assert b64encode(secret.encode()).decode() not in others
            assert secret not in charts.text(values)

    def test_metrics_and_traces_have_their_own_values(self):
        (container,) = pod_spec(only("Deployment", "everything"))["containers"]
        given = {entry["name"] for entry in container["env"]}

        assert given >= ELSEWHERE


class TestSchema:
    @pytest.mark.parametrize(
        "value",
        [
            "replicaCount=0",
            "replicas=2",
            "image.tagg=1",
            "image.digest=abc",
            "image.pullPolicy=Sometimes",
            "settings.LOG_LEVEL=LOUD",
            "settings.DEBUG=perhaps",
            "settings.FLASK_ENV=prod",
            "settings.ALLOWED_HOSTS=*",
            "settings.UNKNOWN=1",
            "settings.SECRET_KEY=in-the-config-map",
            "settings.DATABASE_POOL_SIZE=0",
            "settings.RATE_LIMIT_LOGIN=often",
            "settings.WEBHOOK_PORTS=https",
            "settings.WEBHOOK_ALLOWED_NETWORKS=10.0.0.1",
            "secrets.SECRET_KEY=short",
            "secrets.DATABASE_URL=mysql://host/db",
            "secrets.REDIS_URL=http://redis",
            "gunicorn.workers=0",
            "preStopSeconds=-1",
            "service.type=ExternalName",
            "service.port=70000",
            "ingress.enabled=true",
            "ingress.hosts={https://api.example.com}",
            "podDisruptionBudget.maxUnavailable=0",
            "runAsUser=0",
            "prune.schedule=hourly",
            "webhooks.replicaCount=0",
            "metrics.port=8000",
            "probes.liveness.path=/",
            "otel.endpoint=collector:4318",
        ],
    )
    @pytest.mark.parametrize("major", charts.VERSIONS)
    def test_invalid_value_is_rejected(self, major, value):
        done = charts.run(
            *(major, "template", charts.CHART, "-f", charts.VALUES["minimal"], "--set", value)
        )

        assert done.returncode != 0
        assert "values don't meet the specifications of the schema" in done.stderr

    @pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS"])
    def test_missing_required_value_is_rejected(self, missing):
        group = "settings" if missing == "ALLOWED_HOSTS" else "secrets"
        unset = f"{group}.{missing}="
        done = charts.run(
            *(4, "template", charts.CHART, "-f", charts.VALUES["minimal"], "--set", unset)
        )

        assert done.returncode != 0
        assert f"{group}.{missing} is required" in done.stderr

    def test_unsupported_kubernetes_version_is_rejected(self):
        done = charts.run(
            *(4, "template", charts.CHART, "-f", charts.VALUES["minimal"]),
            *("--kube-version", "1.28"),
        )

        assert done.returncode != 0
        assert "requires kubeVersion" in done.stderr

    def test_schema_has_exactly_the_values_of_the_chart(self):
        def compare(schema, defaults, path):
            if "properties" in schema:
                assert schema["additionalProperties"] is False, path
                assert set(schema["properties"]) - {"global"} == set(defaults), path
                for name, value in defaults.items():
                    compare(schema["properties"][name], value, f"{path}.{name}")

        compare(SCHEMA, DEFAULTS, "")


class TestTable:
    def test_table_equals_the_generated_one(self):
        assert (charts.CHART / "README.md").read_text() == chart_values.readme()

    def test_table_has_every_value(self):
        def leaves(values, path):
            for name, value in values.items():
                yield from (
                    leaves(value, f"{path}{name}.") if isinstance(value, dict) else [path + name]
                )

        named = [path for path, *_ in chart_values.rows()]

        for leaf in leaves(DEFAULTS, ""):
            assert any(leaf == path or leaf.startswith(f"{path}.") for path in named), leaf
