"""GitHub workflows and pre-commit hooks."""

import os
import re
import subprocess

import pytest
import yaml

from app.version import __version__
from tests.support.servers import BASE, ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").iterdir())


def workflow(name):
    return yaml.safe_load((GITHUB / "workflows" / name).read_text())


def commands(name, job):
    return [step["run"].strip() for step in workflow(name)["jobs"][job]["steps"] if "run" in step]


class TestWorkflows:
    def test_workflow_runs_exactly_ci_run(self):
        assert commands("ci.yml", "all-checks") == ["bash .ci/run"]

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_external_actions_are_pinned_by_commit(self, path):
        for action in re.findall(r"uses: (\S+)", path.read_text()):
            assert action.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_permissions_are_minimal(self, path):
        assert workflow(path.name)["permissions"] == {"contents": "read"}


class TestRelease:
    def check(self, tag, tmp_path):
        script = commands("release.yml", "release")[0]
        files = {"RUNNER_TEMP": str(tmp_path), "GITHUB_ENV": str(tmp_path / "env")}
        environment = BASE | files | {"GITHUB_REF_NAME": tag, "GITHUB_REPOSITORY": "Owner/API"}
        return subprocess.run(
            ["bash", "-e", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True
        )

    def test_release_waits_for_all_checks(self):
        jobs = workflow("release.yml")["jobs"]

        assert jobs["release"]["needs"] == "checks"
        assert jobs["checks"]["uses"] == "./.github/workflows/ci.yml"

    def test_tag_of_another_version_is_rejected(self, tmp_path):
        done = self.check("v0.0.1", tmp_path)

        assert done.returncode == 1
        assert done.stdout == f"The tag is v0.0.1, but app/version.py has {__version__}.\n"

    def test_release_has_the_image_and_notes_of_its_version(self, tmp_path):
        assert self.check(f"v{__version__}", tmp_path).returncode == 0

        assert (tmp_path / "env").read_text() == f"IMAGE=ghcr.io/owner/api\nVERSION={__version__}\n"
        notes = (tmp_path / "notes.md").read_text()
        assert notes.strip().startswith("### ")
        assert "## [" not in notes

    def test_signs_and_attests_what_it_pushes(self):
        steps = workflow("release.yml")["jobs"]["release"]["steps"]
        build = next(step["with"] for step in steps if "build-push" in step.get("uses", ""))
        attested = [s["with"]["subject-name"] for s in steps if "attest" in s.get("uses", "")]
        signed = [command for command in "\n".join(commands("release.yml", "release")).split("\n")
                  if command.startswith("cosign sign --yes")]  # fmt: skip

        assert (build["push"], build["sbom"], build["provenance"]) == (True, True, "mode=max")
        assert attested == ["${{ env.IMAGE }}", "${{ env.IMAGE }}/charts/flask-api"]
        images = [re.search(r"\$IMAGE(\S*)@", each)[1] for each in signed]
        assert images == ["", "/charts/flask-api"]

    @pytest.mark.parametrize(("kept", "status"), [("{}", 0), ('{"old": 1}', 1), (None, 1)])
    def test_release_needs_the_stored_document_of_its_version(self, tmp_path, kept, status):
        (tmp_path / "docs/api").mkdir(parents=True)
        (tmp_path / "docs/openapi.json").write_text("{}")
        if kept:
            (tmp_path / "docs/api/1.2.3.json").write_text(kept)

        script = commands("release.yml", "release")[1]
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env=BASE | {"GITHUB_REF_NAME": "v1.2.3"},
            capture_output=True,
            text=True,
        )

        assert done.returncode == status
        assert ("run make openapi-release" in done.stdout) == bool(status)


class TestPreCommit:
    def hooks(self):
        (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        assert repository["repo"] == "local"
        return {hook["id"]: hook["entry"] for hook in repository["hooks"]}

    def test_pre_commit_runs_the_locked_linters(self):
        lint = subprocess.check_output(["make", "-n", "lint"], cwd=ROOT, text=True)
        tools = set(re.findall(r"^\.venv/bin/([\w-]+)", lint, re.MULTILINE))

        entries = self.hooks().values()
        assert {"ruff", "black", "mypy", "lint-imports"} <= tools
        assert tools <= {entry.split()[0].removeprefix(".venv/bin/") for entry in entries}

    def test_hook_passes_on_a_file_of_the_project(self, tmp_path):
        command = [".venv/bin/pre-commit", "run", "ruff", "--files", "app/version.py"]
        home = {"PRE_COMMIT_HOME": str(tmp_path), "PATH": os.environ["PATH"]}

        done = subprocess.run(command, cwd=ROOT, env=home, capture_output=True, text=True)

        assert done.returncode == 0, done.stdout + done.stderr
        assert "Passed" in done.stdout
