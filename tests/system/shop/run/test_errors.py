"""`make run` that cannot start: error messages."""

import shutil

import pytest

from tests.support.checkouts import processes_of, unprivileged
from tests.support.runs import error_of
from tests.support.servers import free_port

pytestmark = pytest.mark.checkout


class TestErrors:
    def test_bad_port(self, checkout):
        message = error_of(checkout, 65_536)

        assert message == "PORT is '65536'; it must be a number from 1 to 65535.\n"

    def test_folder_of_another_user(self, checkout):
        checkout.chmod(0o500)
        try:
            message = error_of(checkout, free_port(), prefix=unprivileged())
        finally:
            checkout.chmod(0o700)

        assert len(message.splitlines()) == 1
        assert message.startswith(f"Can't write to {checkout}/.data: Permission denied. Change the")

    def test_malformed_env_file(self, checkout):
        (checkout / ".env").write_text("LOG_LEVEL=DEBUG\nSECRET_KEY='no end\n")
        try:
            message = error_of(checkout, free_port())
        finally:
            (checkout / ".env").unlink()

        assert message.splitlines()[0] == ".env cannot be read: line 2 is not NAME=value."
        assert ".env.example" in message.splitlines()[1]
        assert len(message.splitlines()) == 2

    def test_incomplete_data_folder(self, checkout):
        (checkout / ".data" / "postgres").mkdir(parents=True)
        (checkout / ".data" / "postgres" / "PG_VERSION").write_text("18\n")
        try:
            message = error_of(checkout, free_port())
        finally:
            shutil.rmtree(checkout / ".data")

        assert "PostgreSQL in .data/postgres does not start" in message.splitlines()[-1]
        assert processes_of(checkout) == []

    def test_bad_settings(self, checkout):
        message = error_of(
            checkout, free_port(), LOG_LEVEL="LOUD", DEBUG="?", DATABASE_URL="mysql://"
        )

        assert message.count("Invalid settings:") == 1
        for name in ("LOG_LEVEL", "DEBUG", "DATABASE_URL"):
            assert f"  {name}: " in message
        assert "Traceback" not in message

    def test_unavailable_database_url_starts_no_embedded_server(self, checkout):
        message = error_of(
            checkout, free_port(), DATABASE_URL="postgresql://unknown@127.0.0.1:1/none"
        )

        assert message == (
            'PostgreSQL: connection to server at "127.0.0.1", port 1 failed: Connection refused. '
            "Check that it runs, or unset DATABASE_URL: `make run` then starts its own server.\n"
        )
        assert not (checkout / ".data").exists()
