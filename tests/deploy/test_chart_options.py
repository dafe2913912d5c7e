"""Optional parts of the chart: HTTPRoute, extra objects, annotations, autoscaling."""

import pytest

from app.settings import Settings
from tests.deploy import charts
from tests.deploy.charts import only, pick, rendered

pytestmark = pytest.mark.deploy
ROUTE = {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]}


class TestHTTPRoute:
    def test_route_has_the_port_of_the_service(self):
        values = {"httpRoute": ROUTE | {"hostnames": ["api.example.com"]}}
        values |= {"service": {"port": 8080}, "metrics": {"enabled": False}}

        found = rendered(values)
        service, route = pick(found, "Service"), pick(found, "HTTPRoute")

        assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
        assert route["spec"] == {
            "parentRefs": [{"name": "public", "namespace": "gateways"}],
            "hostnames": ["api.example.com"],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{"name": service["metadata"]["name"], "port": 8080}],
                }
            ],
        }

    def test_hosts_of_route_and_ingress_are_allowed(self):
        values = {
            "settings": {"ALLOWED_HOSTS": ""},
            "ingress": {"enabled": True, "hosts": ["api.example.com", "shop.example.com"]},
            "httpRoute": ROUTE | {"hostnames": ["api.example.com", "*.example.org"]},
        }

        data = pick(rendered(values), "ConfigMap")["data"]

        assert data["ALLOWED_HOSTS"] == "api.example.com,shop.example.com,.example.org"
        assert Settings.load(data | {"SECRET_KEY": "x" * 64, "DATABASE_URL": "postgresql://h/d"})

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"httpRoute": {"enabled": True}}, "at '/httpRoute/parentRefs'"),
            ({"httpRoute": {"hostnames": ["a/b"]}}, "at '/httpRoute/hostnames/0'"),
            ({"httpRoute": {"parentRefs": [{"nam": "a"}]}}, "at '/httpRoute/parentRefs/0'"),
            ({"httpRoute": ROUTE, "settings": {"ALLOWED_HOSTS": ""}}, "ALLOWED_HOSTS is required"),
        ],
    )
    def test_invalid_route_is_rejected(self, values, message):
        assert message in charts.refused(values)


class TestExtraObjects:
    def test_objects_are_rendered_as_templates(self):
        one = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": '{{ include "flask-api.fullname" . }}-more'},
            "data": {"release": "{{ .Release.Name }}"},
        }
        two = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}
        two["spec"] = {"number": 1000680000, "text": "1e3"}

        found = rendered({"extraObjects": [one, two]})

        more = pick(found, "ConfigMap", "more")
        assert more["metadata"] == {"name": "shop-flask-api-more"}
        assert more["data"] == {"release": "shop"}
        assert pick(found, "Thing") == two

    def test_value_that_is_not_an_object_is_rejected(self):
        assert "at '/extraObjects/0'" in charts.refused({"extraObjects": [{"kind": "Pod"}]})


class TestAnnotations:
    def test_annotations_are_on_the_deployment_and_not_on_pods(self):
        deployment = pick(rendered({"deploymentAnnotations": {"a.b/c": "true"}}), "Deployment")

        assert deployment["metadata"]["annotations"] == {"a.b/c": "true"}
        assert "a.b/c" not in deployment["spec"]["template"]["metadata"]["annotations"]

    def test_no_annotations_by_default(self):
        assert "annotations" not in only("Deployment", "minimal")["metadata"]

    def test_pod_annotations_cannot_replace_the_checksum(self):
        values = {"podAnnotations": {"checksum/config": "mine"}}

        deployments = [each for each in rendered(values) if each["kind"] == "Deployment"]

        assert len(deployments) == 2
        for each in deployments:
            annotations = each["spec"]["template"]["metadata"]["annotations"]
            assert annotations["checksum/config"] != "mine"


class TestAutoscaling:
    @pytest.mark.parametrize("major", charts.VERSIONS)
    def test_behavior_is_rendered(self, major):
        behavior = {"scaleDown": {"stabilizationWindowSeconds": 600, "policies": []}}
        values = {"autoscaling": {"enabled": True, "behavior": behavior}}

        found = rendered(values, major=major)

        assert pick(found, "HorizontalPodAutoscaler")["spec"]["behavior"] == behavior

    def test_maximum_below_the_minimum_is_rejected(self):
        values = {"autoscaling": {"enabled": True, "minReplicas": 7}}

        assert "minReplicas is greater" in charts.refused(values)
