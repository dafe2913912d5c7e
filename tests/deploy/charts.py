"""Render the chart with Helm."""

import json
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


def run(
    major: int, *arguments: str | Path, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        program = helm(major)
    except NoHelmError as error:
        pytest.skip(str(error))
    return subprocess.run(
        [program, *arguments], input=stdin, capture_output=True, text=True, timeout=60
    )


@cache
def text(values: str, major: int = 4, *options: str) -> str:
    """Return the manifests of a values file in `helm/ci`."""
    done = run(major, "template", RELEASE, CHART, "-n", NAMESPACE, "-f", VALUES[values], *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifests(values: str, major: int = 4, *options: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(text(values, major, *options)) if each]


def template(
    values: dict[str, Any], *, major: int = 4, release: str = RELEASE, namespace: str = NAMESPACE
) -> subprocess.CompletedProcess[str]:
    """Run `helm template` with the minimal values and a file of others."""
    files = ("-f", VALUES["minimal"], "-f", "-")
    arguments = ("template", release, CHART, "-n", namespace, *files)
    return run(major, *arguments, stdin=json.dumps(values))


def rendered(values: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Return the manifests of the minimal values and others."""
    done = template(values, **options)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def refused(values: dict[str, Any], **options: Any) -> str:
    """Return the error of Helm about a file of values."""
    done = template(values, **options)
    assert done.returncode != 0, done.stdout
    return done.stderr


def only(kind: str, values: str, *options: str, component: str = "") -> dict[str, Any]:
    """Return the only manifest of a kind, or the one with `component` in its name.

    Without `component`, it ignores the manifests of webhooks.
    """
    return pick(manifests(values, 4, *options), kind, component)


def pick(found: list[dict[str, Any]], kind: str, component: str = "") -> dict[str, Any]:
    named = {each["metadata"]["name"]: each for each in found if each["kind"] == kind}
    (manifest,) = (
        each
        for name, each in named.items()
        if component in name and (component or not name.endswith("-webhooks"))
    )
    return manifest


def pod_spec(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return the pod template of a manifest, or None."""
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "Pod":
            return spec
        case "Deployment" | "Job":
            return spec["template"]["spec"]
        case "CronJob":
            return spec["jobTemplate"]["spec"]["template"]["spec"]
    return None


def containers(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the container of each pod, by its name."""
    pods = filter(None, map(pod_spec, found))
    return {each["name"]: each for pod in pods for each in pod["containers"]}
