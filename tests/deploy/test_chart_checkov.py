"""Findings of checkov in the chart: each has an explanation in checkov.yaml."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy import charts
from tests.support.servers import ROOT

pytestmark = pytest.mark.deploy
CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
EXPLAINED = yaml.safe_load(Path(__file__).with_name("checkov.yaml").read_text())
# The default is the image that one has just built; who installs the chart names one that lasts. And
# where it names no user, the platform does.
INSTALLED = f"image.pullPolicy=Always,image.digest=sha256:{'0' * 64},runAsUser=10001"


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """Return pairs of a check and its object."""
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed: make .venv-checkov/installed")
    folder = tmp_path_factory.mktemp("manifests")
    for name in charts.VALUES:
        (folder / f"{name}.yaml").write_text(charts.text(name, 4, "--set", INSTALLED))
    options = ["--framework", "kubernetes", "--skip-download", "--output", "json"]
    done = subprocess.run(
        [CHECKOV, *options, "--directory", folder], capture_output=True, text=True, timeout=120
    )
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 500
    return {(f["check_id"], about(f["resource"])) for f in report["results"]["failed_checks"]}


def about(resource):
    """Return `api` for `Deployment.production.shop-flask-api`, and so on."""
    kind, _, name = resource.split(".")
    if name.endswith("-webhooks"):
        return "webhooks"
    pods = {"Deployment": "api", "Job": "migrate", "CronJob": "prune", "Pod": "test"}
    return pods.get(kind, f"{kind} {name}")


def test_findings_and_explanations_match(findings):
    assert findings == {(check, pod) for check, entry in EXPLAINED.items() for pod in entry["pods"]}


def test_every_explanation_has_a_reason():
    assert all(entry["reason"] for entry in EXPLAINED.values())
