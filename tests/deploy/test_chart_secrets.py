"""Sources of secrets: the chart's Secret, an existing Secret, or single keys."""

import pytest

from tests.deploy import charts
from tests.deploy.charts import pick, pod_spec, rendered

pytestmark = pytest.mark.deploy
NONE = {"SECRET_KEY": "", "DATABASE_URL": ""}
# The Secret of a database of CloudNativePG has its URL as `uri`.
URI = {"DATABASE_URL": {"name": "shop-db-app", "key": "uri"}}
ORDER = {"helmTest": {"placeOrder": True}}


def variables(container):
    return {entry["name"]: entry for entry in container["env"]}


def needs_database(found):
    """Return the containers that use the database."""
    return {
        name: each
        for name, each in charts.containers(found).items()
        if "secretRef" in str(each) or "DATABASE_URL" in str(each) or name in ("api", "prune")
    }


class TestKeysOfOtherSecrets:
    @pytest.mark.parametrize("major", charts.VERSIONS)
    def test_every_container_uses_the_key_once(self, major):
        values = {"secrets": {"DATABASE_URL": ""}, "secretKeyRefs": URI} | ORDER

        found = needs_database(rendered(values, major=major))

        assert set(found) == {"api", "migrate", "prune", "order", "webhooks"}
        for container in found.values():
            names = [entry["name"] for entry in container["env"]]
            assert names.count("DATABASE_URL") == 1
            assert variables(container)["DATABASE_URL"]["valueFrom"] == {
                "secretKeyRef": {"name": "shop-db-app", "key": "uri"}
            }

    def test_key_overrides_the_existing_secret(self):
        values = {"secrets": NONE, "existingSecret": "api", "secretKeyRefs": URI}

        found = rendered(values)

        assert not [each for each in found if each["kind"] == "Secret"]
        for container in needs_database(found).values():
            assert variables(container)["DATABASE_URL"]["valueFrom"]["secretKeyRef"]["key"] == "uri"

    def test_other_secrets_can_be_created_by_the_chart(self):
        found = rendered({"secrets": {"DATABASE_URL": ""}, "secretKeyRefs": URI})

        assert list(pick(found, "Secret")["data"]) == ["SECRET_KEY"]

    def test_no_secret_is_created_if_all_are_external(self):
        refs = URI | {"SECRET_KEY": {"name": "api", "key": "key"}}

        found = rendered({"secrets": NONE, "secretKeyRefs": refs})

        assert not [each for each in found if each["kind"] == "Secret"]
        assert "secretRef" not in str(found)

    def test_migration_gets_only_the_database_url(self):
        refs = URI | {"REDIS_URL": {"name": "redis", "key": "url"}}

        found = rendered({"secrets": {"DATABASE_URL": ""}, "secretKeyRefs": refs})

        assert set(variables(charts.containers(found)["migrate"])) == {"DATABASE_URL"}

    @pytest.mark.parametrize(
        "refs",
        [
            {"LOG_LEVEL": {"name": "a", "key": "b"}},
            {"DATABASE_URL": {"name": "a"}},
            {"DATABASE_URL": "a"},
        ],
    )
    def test_only_secret_settings_are_accepted(self, refs):
        assert "specifications of the schema" in charts.refused({"secretKeyRefs": refs})


class TestTwoSources:
    """A secret with two sources is rejected, because one would be ignored."""

    @pytest.mark.parametrize("name", ["SECRET_KEY", "REDIS_URL", "DATABASE_REPLICA_URL"])
    def test_value_together_with_an_existing_secret_is_rejected(self, name):
        value = "postgresql://replica/db" if "DATABASE" in name else f"redis://{'x' * 32}"
        values = {"existingSecret": "api", "secrets": NONE | {name: value}}

        assert f"secrets.{name} has no effect with existingSecret" in charts.refused(values)

    def test_value_together_with_a_secret_key_ref_is_rejected(self):
        assert "secrets.DATABASE_URL is set" in charts.refused({"secretKeyRefs": URI})

    def test_value_together_with_extra_env_is_rejected(self):
        extra = [{"name": "SECRET_KEY", "value": "x" * 32}]

        assert "secrets.SECRET_KEY is set" in charts.refused({"extraEnv": extra})


class TestServiceAccount:
    def test_migration_has_a_copy_of_the_service_account(self):
        annotations = {"iam.example.com/role": "api"}

        found = rendered({"serviceAccount": {"annotations": annotations}})
        own, copy = (each for each in found if each["kind"] == "ServiceAccount")

        assert pod_spec(pick(found, "Deployment"))["serviceAccountName"] == own["metadata"]["name"]
        assert pod_spec(pick(found, "Job"))["serviceAccountName"] == copy["metadata"]["name"]
        assert copy["metadata"]["name"] == f"{own['metadata']['name']}-migrate"
        assert annotations.items() <= copy["metadata"]["annotations"].items()
        assert own["metadata"]["annotations"] == annotations
        assert copy["automountServiceAccountToken"] is False

    def test_copy_is_created_before_the_migration(self):
        found = rendered({})
        _, copy = (each for each in found if each["kind"] == "ServiceAccount")
        hook, job = copy["metadata"]["annotations"], pick(found, "Job")["metadata"]["annotations"]

        assert hook["helm.sh/hook"] == job["helm.sh/hook"]
        assert int(hook["helm.sh/hook-weight"]) < int(job["helm.sh/hook-weight"])

    @pytest.mark.parametrize(("name", "used"), [("api", "api"), ("", "default")])
    def test_existing_service_account_is_used_by_all_pods(self, name, used):
        found = rendered({"serviceAccount": {"create": False, "name": name}})
        pods = filter(None, map(pod_spec, found))

        assert {pod["serviceAccountName"] for pod in pods} == {used}
