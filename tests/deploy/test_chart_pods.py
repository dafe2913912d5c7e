"""Security, rollout and shutdown of the pods."""

import os
import subprocess
import time

import pytest

from services.webhook_deliverer import GRACE_SECONDS
from tests.deploy import charts
from tests.deploy.charts import manifests, only, pod_spec

pytestmark = pytest.mark.deploy
every_values = pytest.mark.parametrize("values", charts.VALUES)


# The volumes of the test values that *restricted* allows.
ALLOWED_VOLUMES = {"name", "emptyDir", "secret"}


def deployment(values="minimal", *options):
    return only("Deployment", values, *options)["spec"]


def container(values="minimal", *options):
    return deployment(values, *options)["template"]["spec"]["containers"][0]


class TestPodSecurity:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""

    @every_values
    def test_every_pod_is_restricted(self, values):
        pods = [spec for manifest in manifests(values) if (spec := pod_spec(manifest))]

        assert pods
        for pod in pods:
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["securityContext"].get("runAsUser") != 0
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
            assert pod["automountServiceAccountToken"] is False
            assert {kind for volume in pod["volumes"] for kind in volume} <= ALLOWED_VOLUMES
            for each in pod["containers"]:
                assert each["securityContext"] == {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }
                assert each["volumeMounts"][0] == {"name": "tmp", "mountPath": "/tmp"}
                mounted = {mount["name"] for mount in each["volumeMounts"]}
                assert mounted == {volume["name"] for volume in pod["volumes"]}
                assert each["resources"]["limits"]["memory"]

    def test_the_platform_can_choose_the_user(self):
        for manifest in manifests("existing-secret"):
            if pod := pod_spec(manifest):
                assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(pod["securityContext"])


class TestUpgrade:
    def test_new_pod_is_ready_before_an_old_one_stops(self):
        assert deployment()["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert container()["readinessProbe"]["httpGet"]["path"] == "/api/health/ready"

    @pytest.mark.parametrize("pre_stop", [0, 10, 30])
    @pytest.mark.parametrize("graceful", [25, 60])
    def test_grace_period_covers_the_pre_stop_delay_and_the_drain(self, pre_stop, graceful):
        options = f"preStopSeconds={pre_stop},gunicorn.gracefulTimeout={graceful}"
        pod = deployment("minimal", "--set", options)["template"]["spec"]
        only_container = pod["containers"][0]

        assert pod["terminationGracePeriodSeconds"] >= pre_stop + graceful + 5
        sleep = only_container["lifecycle"]["preStop"]["exec"]["command"]
        assert sleep == ["sleep", str(pre_stop)]
        (arguments,) = (e for e in only_container["env"] if e["name"] == "GUNICORN_CMD_ARGS")
        assert f"--graceful-timeout={graceful}" in arguments["value"]

    def test_liveness_does_not_depend_on_other_services(self):
        for probe in ("startupProbe", "livenessProbe"):
            assert container()[probe]["httpGet"]["path"] == "/api/health/live"

    @pytest.mark.parametrize(
        "change", ["settings.LOG_LEVEL=DEBUG", "secrets.REDIS_URL=redis://other"]
    )
    def test_changed_settings_roll_the_pods(self, change):
        def annotations(*options):
            return deployment("minimal", *options)["template"]["metadata"]["annotations"]

        assert annotations() == annotations("--set", "replicaCount=5")
        assert annotations() != annotations("--set", change)

    def test_replicas_are_not_rendered_with_autoscaling(self):
        assert "replicas" in deployment()
        assert "replicas" not in deployment("everything")

    def test_pods_are_spread_over_zones_and_nodes(self):
        constraints = deployment()["template"]["spec"]["topologySpreadConstraints"]

        assert [each["topologyKey"] for each in constraints] == [
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        ]
        for each in constraints:
            assert each["labelSelector"]["matchLabels"] == deployment()["selector"]["matchLabels"]


class TestWebhooks:
    def spec(self, *options, values="minimal"):
        return only("Deployment", values, *options, component="webhooks")["spec"]

    def test_number_of_pods_is_a_value(self):
        assert self.spec("--set", "webhooks.replicaCount=5")["replicas"] == 5

    def test_pods_are_not_those_of_the_service(self):
        labels = self.spec()["template"]["metadata"]["labels"]

        assert self.spec()["selector"]["matchLabels"].items() <= labels.items()
        for kind in ("Service", "PodDisruptionBudget"):
            selector = only(kind, "minimal", "--set", "metrics.enabled=false")["spec"]["selector"]
            assert not selector.get("matchLabels", selector).items() <= labels.items()

    @every_values
    def test_settings_and_secrets_are_those_of_the_service(self, values):
        ours = self.spec(values=values)["template"]["spec"]["containers"][0]
        api = container(values)

        assert ours["envFrom"] == api["envFrom"]
        assert (ours["env"] or []) == [
            each
            for each in api["env"]
            if not each["name"].startswith(("GUNICORN", "OTEL_EXPORTER", "OTEL_S", "OTEL_R", "POD"))
        ]

    def test_attempts_end_before_the_pod_is_killed(self):
        pod = self.spec()["template"]["spec"]

        assert pod["containers"][0]["command"][:2] == ["flask", "deliver"]
        assert pod["terminationGracePeriodSeconds"] > GRACE_SECONDS

    @pytest.mark.parametrize(("seconds", "live"), [(60, True), (150, False), (None, False)])
    def test_pod_is_live_while_it_touches_its_heartbeat(self, tmp_path, seconds, live):
        ours = self.spec()["template"]["spec"]["containers"][0]
        *_, option, file = ours["command"]
        heartbeat = tmp_path / "heartbeat"
        if seconds:
            heartbeat.touch()
            os.utime(heartbeat, (time.time() - seconds,) * 2)

        *shell, script = ours["livenessProbe"]["exec"]["command"]
        done = subprocess.run(
            [*shell, script.replace(file, str(heartbeat))], stderr=subprocess.DEVNULL
        )

        assert (option, file in script) == ("--heartbeat", True)
        assert (done.returncode == 0) is live

    def test_changed_settings_roll_the_pods(self):
        def annotations(*options):
            return self.spec(*options)["template"]["metadata"]["annotations"]

        assert annotations() != annotations("--set", "settings.LOG_LEVEL=DEBUG")

    def test_it_can_be_disabled(self):
        disabled = str(manifests("everything", 4, "--set", "webhooks.enabled=false"))

        assert "-webhooks" not in disabled
        assert "FlaskApiWebhooks" not in disabled
        assert "FlaskApiMails" not in disabled

    def test_egress_to_receivers_is_allowed_in_addition(self):
        assert "webhooks" not in str(
            [m["metadata"]["name"] for m in manifests("minimal") if m["kind"] == "NetworkPolicy"]
        )

        option = ("--set-string", "settings.WEBHOOK_PORTS=443\\,9443")
        spec = only("NetworkPolicy", "everything", *option, component="webhooks")["spec"]

        assert spec["policyTypes"] == ["Egress"]
        assert spec["egress"] == [{"ports": [{"port": 443}, {"port": 9443}]}]
        labels = self.spec()["template"]["metadata"]["labels"]
        assert spec["podSelector"]["matchLabels"].items() <= labels.items()


class TestMigration:
    def test_only_the_job_migrates(self):
        migrating = [m["kind"] for m in manifests("everything") if "alembic" in str(pod_spec(m))]

        assert migrating == ["Job"]

    @every_values
    def test_hook_uses_only_objects_that_exist_before_an_install(self, values):
        rendered = manifests(values)
        hooks = [m for m in rendered if "pre-install" in str(m["metadata"].get("annotations"))]
        made_later = {m["metadata"]["name"] for m in rendered if m not in hooks}
        weights = [int(m["metadata"]["annotations"]["helm.sh/hook-weight"]) for m in hooks]

        assert weights == sorted(weights)
        for pod in filter(None, map(pod_spec, hooks)):
            needed = {pod.get("serviceAccountName", "default")}
            for each in pod["containers"]:
                assert "envFrom" not in each
                needed |= {e["valueFrom"]["secretKeyRef"]["name"] for e in each["env"][:1]}
            assert not needed & made_later

    def test_secret_of_the_hook_has_only_the_database_url(self):
        assert set(only("Secret", "everything", component="migrate")["data"]) == {"DATABASE_URL"}

    def test_changed_job_has_a_new_name(self):
        """`kubectl apply` refuses to change a Job."""

        def name(*options):
            return only("Job", "minimal", *options)["metadata"]["name"]

        assert name() == name("--set", "replicaCount=5")
        assert len({name(), name("--set", "image.tag=2.0.0")}) == 2
        assert len({name(), name("--set", "jobResources.limits.memory=1Gi")}) == 2

    def test_names_are_short_enough_for_labels(self):
        long = f"fullnameOverride={'x' * 63}"

        for manifest in manifests("everything", 4, "--set", long):
            limit = 52 if manifest["kind"] == "CronJob" else 63
            assert len(manifest["metadata"]["name"]) <= limit


class TestNetwork:
    def test_egress_is_open_by_default(self):
        assert only("NetworkPolicy", "minimal")["spec"]["policyTypes"] == ["Ingress"]

        spec = only("NetworkPolicy", "everything")["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"]
        ports = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
        assert ports == {53, "http", 5432, 6379, 4318}

    def test_public_service_has_no_metrics_port(self):
        services = [m for m in manifests("everything") if m["kind"] == "Service"]

        for service in services:
            names = {port["name"] for port in service["spec"]["ports"]}
            assert ("metrics" in names) == (service["spec"].get("clusterIP") == "None")
            assert len(names) == 1
