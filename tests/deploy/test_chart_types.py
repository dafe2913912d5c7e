"""Numbers, names and variables keep their type in Helm (helm/helm#6431)."""

import json
import re
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy import charts

pytestmark = pytest.mark.deploy
SCHEMA = json.loads((charts.CHART / "values.schema.json").read_text())
CUSTOM = ("monitoring.coreos.com/", "gateway.networking.k8s.io/")
# Name of a Service in Kubernetes (RFC 1035, section 2.3.1).
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# YAML reads these as a number, a boolean or null, unless they are quoted.
NOT_TEXT = ["123", "1e3", "0x1f", "true", "no", "on", "null"]

every_helm = pytest.mark.parametrize("major", charts.VERSIONS)


def validate(manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        if not manifest["apiVersion"].startswith(CUSTOM):
            kubernetes_validate.validate(manifest, "1.33", strict=True)


def integers(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the largest value of each integer in the schema; a KeyError names one without."""
    largest = {}
    for name, entry in schema.get("properties", {}).items():
        entry = SCHEMA["definitions"].get(entry.get("$ref", "").rpartition("/")[2], entry)
        entry = next((one for one in entry.get("anyOf", [entry]) if "maximum" in one), entry)
        if entry.get("type") == "integer":
            largest[name] = entry["maximum"]
        elif below := integers(entry):
            largest[name] = below
    return largest


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


class TestNumbers:
    @every_helm
    def test_large_user_id_is_an_integer_in_all_pods(self, major):
        found = charts.rendered({"runAsUser": 1000680000}, major=major)
        pods = list(filter(None, map(charts.pod_spec, found)))

        assert len(pods) >= 4
        for pod in pods:
            for name in ("runAsUser", "runAsGroup", "fsGroup"):
                assert pod["securityContext"][name] == 1000680000

    @every_helm
    @pytest.mark.parametrize("enabled", [True, False])
    def test_largest_integers_are_rendered_as_integers(self, major, enabled):
        values = integers(SCHEMA)
        values["autoscaling"]["enabled"] = enabled

        found = charts.rendered(values, major=major)

        validate(found)
        assert not [leaf for leaf in leaves(found) if isinstance(leaf, float)]
        assert not [leaf for leaf in leaves(found) if re.search(r"\de\+\d", str(leaf))]
        assert values["replicaCount"] in leaves(found) or enabled

    @every_helm
    def test_numbers_in_lists_and_quantities_are_unchanged(self, major):
        values = {
            "tolerations": [{"operator": "Exists", "tolerationSeconds": 1000680000}],
            "resources": {"limits": {"memory": 1073741824, "cpu": 1.5}},
            "extraVolumes": [{"name": "more", "emptyDir": {"sizeLimit": 1073741824}}],
            "networkPolicy": {"egress": [{"ports": [{"port": 5432, "endPort": 65535}]}]},
            "podDisruptionBudget": {"maxUnavailable": 2000000},
            "settings": {"DATABASE_POOL_TIMEOUT": 2.5},
        }

        found = charts.rendered(values, major=major)

        validate(found)
        limits = charts.containers(found)["api"]["resources"]["limits"]
        assert limits == {"memory": 1073741824, "cpu": 1.5}
        timeout = charts.pick(found, "ConfigMap")["data"]["DATABASE_POOL_TIMEOUT"]
        assert timeout == "2.5"
        assert charts.pick(found, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 2000000

    @pytest.mark.parametrize("value", [1.5, "2", 2**31, 1e18])
    @pytest.mark.parametrize("name", ["replicaCount", "runAsUser", "preStopSeconds"])
    def test_invalid_integer_is_rejected(self, name, value):
        assert f"at '/{name}'" in charts.refused({name: value})


class TestNames:
    @every_helm
    @pytest.mark.parametrize("release", ["v1.2", "2024-api", "1.flask-api", *NOT_TEXT[:3]])
    def test_release_name_that_is_invalid_for_a_service_is_rejected(self, release, major):
        error = charts.refused({}, release=release, major=major)

        assert "set fullnameOverride" in error

    @pytest.mark.parametrize("name", ["my.api", "2024", "0a", "My", "a_b", "-a", "a-", "1e3"])
    def test_full_name_that_is_invalid_for_a_service_is_rejected(self, name):
        assert "at '/fullnameOverride'" in charts.refused({"fullnameOverride": name})

    @every_helm
    @pytest.mark.parametrize(
        ("release", "name"),
        [
            *((release, "api") for release in ("v1.2", "2024-api", *NOT_TEXT)),
            *(("shop", name) for name in ("no", "null", "a" * 43 + "-b", "a" * 42 + "--b")),
        ],
    )
    def test_valid_names_are_rendered_as_strings(self, release, name, major):
        namespace = release.replace(".", "-")

        found = charts.rendered(
            {"fullnameOverride": name}, release=release, namespace=namespace, major=major
        )

        validate(found)
        for manifest in found:
            metadata = manifest["metadata"]
            assert metadata["namespace"] == namespace
            assert metadata["labels"]["app.kubernetes.io/instance"] == release
            if manifest["kind"] == "Service":
                assert DNS_LABEL.fullmatch(metadata["name"])

    @pytest.mark.parametrize("name", NOT_TEXT)
    def test_names_of_other_objects_are_strings(self, name):
        values = {
            "nameOverride": name,
            "fullnameOverride": "api",
            "secrets": {"SECRET_KEY": "", "DATABASE_URL": ""},
            "existingSecret": name,
            "imagePullSecrets": [{"name": name}],
            "serviceAccount": {"create": False, "name": name},
            "priorityClassName": name,
            "ingress": {"enabled": True, "className": name, "hosts": ["example.com"]},
            "topologySpreadKeys": [name],
            "image": {"repository": name, "tag": name},
        }

        found = charts.rendered(values)

        validate(found)
        assert charts.pod_spec(charts.pick(found, "Job"))["serviceAccountName"] == name

    @pytest.mark.parametrize(
        ("values", "where"),
        [
            ({"existingSecret": "a_b"}, "/existingSecret"),
            ({"existingSecret": "a..b"}, "/existingSecret"),
            ({"nameOverride": "my.api"}, "/nameOverride"),
            ({"nameOverride": "a" * 64}, "/nameOverride"),
            ({"serviceAccount": {"name": "A"}}, "/serviceAccount/name"),
            ({"priorityClassName": "High Priority"}, "/priorityClassName"),
            ({"imagePullSecrets": [{"name": ""}]}, "/imagePullSecrets/0/name"),
            ({"ingress": {"className": "Nginx"}}, "/ingress/className"),
            ({"ingress": {"hosts": ["a..example.com"]}}, "/ingress/hosts/0"),
            ({"ingress": {"hosts": ["a-.example.com"]}}, "/ingress/hosts/0"),
            ({"ingress": {"tls": [{"secretName": "a_b"}]}}, "/ingress/tls/0/secretName"),
            ({"extraVolumes": [{"name": "a.b"}]}, "/extraVolumes/0/name"),
            ({"extraVolumes": [{"name": "tmp"}]}, "/extraVolumes/0/name"),
            ({"extraVolumeMounts": [{"name": "a.b", "mountPath": "/a"}]}, "/extraVolumeMounts/0"),
            ({"extraVolumeMounts": [{"name": "a", "mountPath": "/tmp"}]}, "/extraVolumeMounts/0"),
            ({"topologySpreadKeys": ["a b"]}, "/topologySpreadKeys/0"),
            ({"podLabels": {"a": "b c"}}, "/podLabels/a"),
            ({"podLabels": {"a": 5}}, "/podLabels/a"),
            ({"nodeSelector": {"a": True}}, "/nodeSelector/a"),
            ({"service": {"annotations": {"a": 5}}}, "/service/annotations/a"),
        ],
    )
    def test_invalid_name_is_rejected_by_the_chart(self, values, where):
        assert f"at '{where}" in charts.refused(values)

    @pytest.mark.parametrize("value", ["podLabels", "podAnnotations", "nodeSelector"])
    @pytest.mark.parametrize("key", ["a b", "a/b/c", "-a", "a" * 64])
    def test_invalid_key_is_rejected_by_the_chart(self, value, key):
        assert f"invalid propertyName '{key}'" in charts.refused({value: {key: "text"}})


class TestExtraEnv:
    @pytest.mark.parametrize("value", [5, 1.5, True, ["a"], {"a": "b"}])
    def test_value_that_is_not_a_string_is_rejected(self, value):
        assert "at '/extraEnv/0" in charts.refused({"extraEnv": [{"name": "A", "value": value}]})

    @pytest.mark.parametrize(
        "entry",
        [
            {"name": ""},
            {"name": "1A"},
            {"name": "a b"},
            {"name": "A=B"},
            {"name": 5},
            {"value": "a"},
            {"name": "A", "valeu": "a"},
            {"name": "A", "valueFrom": {}},
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a"}}},
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a_b", "key": "c"}}},
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "c"}}, "value": "d"},
            {"name": "METRICS_PORT", "value": "9200"},
        ],
    )
    def test_invalid_entry_is_rejected(self, entry):
        assert "at '/extraEnv/0" in charts.refused({"extraEnv": [entry]})

    def test_duplicate_name_is_rejected(self):
        entries = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]

        assert "extraEnv contains A twice" in charts.refused({"extraEnv": entries})

    def test_every_source_of_a_value_is_accepted(self):
        sources = [
            {"value": "5"},
            {"value": ""},
            {},
            {"valueFrom": {"secretKeyRef": {"name": "a.b", "key": "c.d", "optional": True}}},
            {"valueFrom": {"configMapKeyRef": {"name": "a", "key": "c"}}},
            {"valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ]
        entries = [{"name": f"EXTRA_{n}", **source} for n, source in enumerate(sources)]

        found = charts.rendered({"extraEnv": entries})

        validate(found)
        for name, container in charts.containers(found).items():
            assert container["env"][-len(entries) :] == entries, name

    @every_helm
    def test_extra_env_overrides_a_variable_of_the_chart(self, major):
        names = ["DATABASE_URL", "GUNICORN_CMD_ARGS", "OTEL_SERVICE_NAME"]
        entries = [{"name": name, "value": "postgresql://other/db"} for name in names]
        values = {"extraEnv": entries, "secrets": {"DATABASE_URL": ""}}
        values["otel"] = {"endpoint": "http://collector:4318"}

        for name, container in charts.containers(charts.rendered(values, major=major)).items():
            given = [entry["name"] for entry in container["env"]]
            assert len(given) == len(set(given)), name
            assert [entry for entry in container["env"] if entry["name"] in names] == entries, name
