"""The chart, rendered by real Helm."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.servers import ROOT
from tools.helm import NoHelmError, helm

CHART = ROOT / "helm"
RELEASE, NAMESPACE = "shop", "production"
VALUES = {path.stem: path for path in sorted(CHART.glob("ci/*.yaml"))}
VERSIONS = (3, 4)


def run(major: int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    try:
        program = helm(major)
    except NoHelmError as error:
        pytest.skip(str(error))
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


@cache
def text(values: str, major: int = 4, *options: str) -> str:
    """What `helm template` prints with a file of values of `helm/ci`."""
    done = run(major, "template", RELEASE, CHART, "-n", NAMESPACE, "-f", VALUES[values], *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifests(values: str, major: int = 4, *options: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(text(values, major, *options)) if each]


def only(kind: str, values: str, *options: str, component: str = "") -> dict[str, Any]:
    """The one manifest of a kind, with `component` in its name where there are several."""
    (found,) = (
        each
        for each in manifests(values, 4, *options)
        if each["kind"] == kind and component in each["metadata"]["name"]
    )
    return found


def pod_spec(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that a manifest makes, if it makes one."""
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "Pod":
            return spec
        case "Deployment" | "Job":
            return spec["template"]["spec"]
        case "CronJob":
            return spec["jobTemplate"]["spec"]["template"]["spec"]
    return None
