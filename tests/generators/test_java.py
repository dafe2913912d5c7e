"""Generated Java client: compile it without warnings, and register a user."""

from pathlib import Path

import pytest

from tests.generators.programs import CALLS, PYTHON, openapi_generator, run

pytestmark = pytest.mark.generators
ANNOTATIONS = Path("/usr/share/java/geronimo-annotation-1.3-spec.jar")
# The library `native` needs only Jackson, which is in the generator's own jar. The package of
# JsonNullable is not in it.
NATIVE = ("--library", "native", "--additional-properties", "openApiNullable=false")
# The templates of the generator use a deprecated method of Jackson.
WARNINGS = ("-Xlint:all,-deprecation,-processing", "-Werror")


@pytest.fixture
def class_path():
    if not ANNOTATIONS.exists():
        pytest.skip(f"{ANNOTATIONS} is missing; it is in `libgeronimo-annotation-1.3-spec-java`")
    return f"{next(PYTHON.parent.glob('lib/*/*/openapi_generator_cli/*.jar'))}:{ANNOTATIONS}"


def test_default_library_is_generated(tmp_path):
    openapi_generator(tmp_path, "java")

    assert list(tmp_path.rglob("AuthApi.java"))


def test_native_library_compiles_and_registers_a_user(tmp_path, server, account, class_path):
    openapi_generator(tmp_path, "java", *NATIVE)
    sources = [*(tmp_path / "src" / "main").rglob("*.java"), CALLS / "Call.java"]
    run(tmp_path, "javac", *WARNINGS, "-cp", class_path, "-d", "classes", *sources)

    command = ("java", "-cp", f"classes:{class_path}", "Call")
    assert run(tmp_path, *command, server.url, *account).strip() == account[0]
