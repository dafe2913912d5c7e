"""The targets of the comparison."""

import ast
import tomllib

import pytest

from app.auth import limits
from bench.targets import ROOT, SERVICE, TARGETS

PEERS = ["bench/fastapi_peer.py", "bench/litestar_peer.py"]


def imports(path):
    """Return the imported packages of a file, and the imported names."""
    found = {}
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {each.name for each in node.names}
            modules = [node.module] if isinstance(node, ast.ImportFrom) else names
            for module in modules:
                found.setdefault(module.partition(".")[0], set()).update(names)
    return found


class TestTargets:
    @pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
    def test_the_command_names_a_variable_of_a_module(self, target):
        module, _, variable = target.command.split()[-1].removesuffix("()").partition(":")
        path = ROOT / module.replace(".", "/")
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

        defined = {
            getattr(node, "name", None) or ast.unparse(node.targets[0])
            for node in ast.parse(source.read_text()).body
            if isinstance(node, ast.FunctionDef | ast.Assign)
        }
        assert variable in defined

    @pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
    def test_the_command_takes_a_port(self, target):
        assert "12345" in target.command.format(port=12345)

    def test_the_peers_start_alike(self):
        *_, fastapi, litestar = (target.command for target in TARGETS)

        assert "--workers 2" in fastapi
        assert fastapi.replace("fastapi", "litestar") == litestar


class TestPeers:
    @pytest.mark.parametrize("path", PEERS)
    def test_send_only_the_shared_statements(self, path):
        found = imports(path)

        assert found["bench"] == {"peer_services"}
        assert found["sqlalchemy"] == {"AsyncSession"}

    def test_peers_differ_only_in_the_framework(self):
        fastapi, litestar = (set(imports(path)) for path in PEERS)

        assert fastapi - litestar == {"fastapi", "pydantic"}
        assert litestar - fastapi == {"litestar", "msgspec"}


class TestYardstick:
    def test_has_one_target_with_the_settings_of_production(self):
        targets = tomllib.loads((ROOT / "bench/target.toml").read_text())["targets"]

        assert targets == {"flask-api": SERVICE}
        assert SERVICE["env"]["FLASK_ENV"] == "production"

    @pytest.mark.parametrize("name", limits.NAMES)
    def test_no_limit_refuses_a_request(self, name):
        assert SERVICE["env"][f"RATE_LIMIT_{name.upper()}"] == "1000000 per minute"
