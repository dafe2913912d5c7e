"""Rendered manifests, with Helm 3 and 4, for Kubernetes 1.29 to 1.37."""

import kubernetes_validate
import pytest

from tests.deploy import charts
from tests.deploy.charts import manifests, only, pod_spec

pytestmark = pytest.mark.deploy
KUBERNETES = [f"1.{minor}" for minor in range(29, 38)]
OPERATOR = "monitoring.coreos.com/v1"
CUSTOM = {OPERATOR, "gateway.networking.k8s.io/v1"}

every_values = pytest.mark.parametrize("values", charts.VALUES)
every_helm = pytest.mark.parametrize("major", charts.VERSIONS)


class TestLint:
    @every_helm
    @every_values
    def test_helm_lint_has_no_findings(self, values, major):
        done = charts.run(major, "lint", "--strict", charts.CHART, "-f", charts.VALUES[values])

        assert done.returncode == 0, done.stdout
        assert "[WARNING]" not in done.stdout
        assert "[ERROR]" not in done.stdout


class TestTemplate:
    @every_helm
    @every_values
    def test_manifests_are_valid_for_each_kubernetes_version(self, values, major):
        rendered = [m for m in manifests(values, major) if m["apiVersion"] not in CUSTOM]

        assert rendered
        for manifest in rendered:
            for version in KUBERNETES:
                # It also raises an error for an unknown apiVersion or kind.
                kubernetes_validate.validate(manifest, version, strict=True)

    @every_values
    def test_helm_3_and_4_render_the_same(self, values):
        def by_name(major):
            return {(m["kind"], m["metadata"]["name"]): m for m in manifests(values, major)}

        assert by_name(3) == by_name(4)

    @every_values
    def test_names_of_objects_are_unique(self, values):
        names = [(m["kind"], m["metadata"]["name"]) for m in manifests(values)]

        assert len(names) == len(set(names))

    def test_all_options_render_every_kind(self):
        assert {m["kind"] for m in manifests("everything")} == {
            *("ConfigMap", "CronJob", "Deployment", "HorizontalPodAutoscaler", "HTTPRoute"),
            *("Ingress", "Job", "NetworkPolicy", "Pod", "PodDisruptionBudget"),
            *("PrometheusRule", "Secret", "Service", "ServiceAccount", "ServiceMonitor"),
        }

    def test_minimal_options_render_only_what_is_required(self):
        kinds = {m["kind"] for m in manifests("least", 4, "--skip-tests")}

        assert kinds == {"ConfigMap", "Deployment", "Secret", "Service"}

    def test_existing_secret_is_used_and_none_is_created(self):
        rendered = manifests("existing-secret")

        assert not [m for m in rendered if m["kind"] == "Secret"]
        assert str(pod_spec(only("Deployment", "existing-secret"))).count("api-credentials") == 1
        assert str(pod_spec(only("Job", "existing-secret"))).count("api-credentials") == 1


class TestNotes:
    def test_notes_show_the_number_of_connections(self):
        # Helm 3 renders them only with access to a cluster.
        done = charts.run(
            4,
            *("install", charts.RELEASE, charts.CHART, "-f", charts.VALUES["everything"]),
            "--dry-run=client",
        )

        assert done.returncode == 0, done.stderr
        assert "6 pods x 2 processes x 10 = 120 connections" in done.stdout
        assert "https://shop.example.com/api/docs" in done.stdout


class TestLinks:
    """Selectors, ports and names refer to existing objects."""

    @every_values
    def test_selectors_select_the_pods_of_deployments_and_no_others(self, values):
        rendered = manifests(values)
        ours = [
            m["spec"]["template"]["metadata"]["labels"]
            for m in rendered
            if m["kind"] == "Deployment"
        ]
        others = [m["metadata"].get("labels", {}) for m in rendered if m["kind"] == "Pod"] + [
            m["spec"]["template"]["metadata"]["labels"] for m in rendered if m["kind"] == "Job"
        ]

        for selector in selectors(rendered):
            assert [labels for labels in ours if selector.items() <= labels.items()]
            assert not [labels for labels in others if selector.items() <= labels.items()]

    @every_values
    def test_referenced_ports_exist(self, values):
        (container,) = pod_spec(only("Deployment", values))["containers"]
        names = {port["name"] for port in container["ports"]}

        for service in (m for m in manifests(values) if m["kind"] == "Service"):
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] in names

    def test_service_monitor_selects_the_metrics_service(self):
        monitor, service = (
            only("ServiceMonitor", "everything"),
            only("Service", "everything", component="metrics"),
        )

        assert monitor["apiVersion"] == OPERATOR
        assert set(monitor["spec"]) == {"selector", "endpoints"}
        wanted = monitor["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= service["metadata"]["labels"].items()
        assert not wanted.items() <= only("Service", "least")["metadata"]["labels"].items()
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint == {"port": service["spec"]["ports"][0]["name"], "interval": "30s"}

    def test_ingress_has_the_service_as_its_backend(self):
        ingress, services = only("Ingress", "everything"), manifests("everything")
        backends = [
            path["backend"]["service"]
            for rule in ingress["spec"]["rules"]
            for path in rule["http"]["paths"]
        ]

        for backend in backends:
            (service,) = (
                m
                for m in services
                if m["kind"] == "Service" and m["metadata"]["name"] == backend["name"]
            )
            assert backend["port"]["name"] in {p["name"] for p in service["spec"]["ports"]}


def selectors(rendered):
    """Return the labels that Deployment, Service and PodDisruptionBudget select."""
    for manifest in rendered:
        match manifest["kind"]:
            case "Service":
                yield manifest["spec"]["selector"]
            case "Deployment" | "PodDisruptionBudget":
                yield manifest["spec"]["selector"]["matchLabels"]
