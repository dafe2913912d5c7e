"""The package of the chart, as the release workflow pushes it."""

import tarfile

import pytest
import yaml

from app.version import __version__
from tests.deploy import charts

pytestmark = pytest.mark.deploy


@pytest.mark.parametrize("major", charts.VERSIONS)
def test_package_has_the_version_of_the_service_and_no_test_values(tmp_path, major):
    done = charts.run(major, "package", charts.CHART, "--destination", tmp_path)

    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / f"flask-api-{__version__}.tgz") as package:
        chart = yaml.safe_load(package.extractfile("flask-api/Chart.yaml"))
        names = package.getnames()
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    assert "flask-api/values.schema.json" in names
    assert not [name for name in names if name.startswith("flask-api/ci/")]
