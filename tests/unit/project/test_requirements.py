"""Locked requirements and sample settings."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain, pairwise
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.settings import Settings

ROOT = Path(__file__).parents[3]
# Each lock contains the packages of the previous one.
REQUIREMENTS = ["requirements.txt", "requirements-run.txt", "requirements-dev.txt"]
# Each is compiled from the file of the same name that ends in .in.
COMPILED = [
    "bench/requirements.txt",
    "tests/deploy/checkov.txt",
    "tests/generators/requirements.txt",
]


def entries(name):
    """Return the requirements of a file, each with its options on one line."""
    lines = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


class TestRequirements:
    @pytest.mark.parametrize("name", [*REQUIREMENTS, *COMPILED])
    def test_no_index_host_is_named(self, name):
        assert not re.search(r"https?://|--(extra-)?index|--find-links", (ROOT / name).read_text())

    @pytest.mark.parametrize("folder", ["tools/node", "clients/typescript", "tests/generators"])
    def test_node_locks_name_no_index_host(self, folder):
        packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
        assert packages
        assert [name for name, package in packages.items() if "resolved" in package] == []
        assert all("integrity" in package for name, package in packages.items() if name)

    @pytest.mark.parametrize("name", [*REQUIREMENTS, *COMPILED])
    def test_every_entry_is_one_version_with_hashes(self, name):
        assert entries(name)
        for entry in entries(name):
            assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ ", entry), entry
            assert "--hash=sha256:" in entry, entry

    @pytest.mark.parametrize(("smaller", "larger"), list(pairwise(REQUIREMENTS)))
    def test_larger_lock_contains_the_smaller_one(self, smaller, larger):
        few, many = (
            {entry.split("--hash")[0].strip() for entry in entries(name)}
            for name in (smaller, larger)
        )

        assert few < many

    def test_make_run_imports_only_packages_of_its_lock(self):
        locked = {entry.split("==")[0] for entry in entries("requirements-run.txt")}
        others = [
            module
            for module, owners in packages_distributions().items()
            if not locked & {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners}
        ]
        code = f"import sys; sys.modules.update(dict.fromkeys({others})); import tools.service"

        done = subprocess.run(
            [sys.executable, "-c", f"{code}, tools.embedded, tools.run"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

        assert "pytest" in others
        assert done.returncode == 0, done.stderr

    def test_every_dependency_is_locked(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        wanted = chain(project["dependencies"], *project["optional-dependencies"].values())

        locked = {entry.split("==")[0] for entry in entries("requirements-dev.txt")}
        assert {re.match(r"[a-z0-9-]+", name)[0] for name in wanted} <= locked

    @pytest.mark.parametrize("name", COMPILED)
    def test_every_requirement_is_compiled(self, name):
        source = [entry for entry in entries(name.replace(".txt", ".in")) if entry[0] != "-"]

        locked = {entry.split("==")[0] for entry in entries(name)}
        assert source
        assert {re.match(r"[a-z0-9-]+", entry)[0] for entry in source} <= locked

    def test_bench_lock_has_the_versions_of_the_service(self):
        """`make bench` installs both locks in one environment."""
        service, peers = (
            dict(re.match(r"([a-z0-9._-]+)\S*==(\S+)", entry).groups() for entry in entries(name))
            for name in ("requirements.txt", "bench/requirements.txt")
        )

        shared = service.keys() & peers.keys()
        assert shared
        assert {name: service[name] for name in shared} == {name: peers[name] for name in shared}


class TestSamples:
    def test_sample_settings_load(self):
        settings = Settings.load(dotenv_values(ROOT / ".env.example"))

        assert settings.flask_env == "development"
