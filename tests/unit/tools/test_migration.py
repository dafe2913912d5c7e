"""`make migration` writes a file that passes `make lint` and describes its operations."""

import subprocess

import pytest
from alembic.operations import ops
from sqlalchemy import Column, Integer

from tests.support.checkouts import copied, equipped
from tests.support.servers import BASE
from tools.migration import summary

COLUMN = ops.AddColumnOp("parts", Column("colour", Integer))
MODEL = """
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from models.base import Base


class Facts(TypeDecorator[dict[str, Any]]):
    impl = JSONB
    cache_ok = True


class Company(Base):
    __tablename__ = "user_companies"
    __table_args__ = (CheckConstraint("kind IN ({kinds})", "kind_known"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    facts: Mapped[dict[str, Any]] = mapped_column(Facts)
"""


@pytest.fixture(scope="module")
def checkout():
    with copied() as copy:
        yield equipped(copy)


class TestSummary:
    @pytest.mark.parametrize(
        ("operations", "text"),
        [
            ([ops.CreateTableOp("suppliers", [])], "Create the table suppliers."),
            ([ops.DropTableOp("suppliers")], "Drop the table suppliers."),
            ([ops.ModifyTableOps("parts", [COLUMN])], "Change the table parts."),
        ],
    )
    def test_names_the_operation_and_the_table(self, operations, text):
        assert summary(operations) == text

    def test_index_of_a_new_table_belongs_to_its_creation(self):
        index = ops.CreateIndexOp("ix_suppliers_name", "suppliers", ["name"])
        operations = [
            ops.CreateTableOp("suppliers", []),
            ops.ModifyTableOps("suppliers", [index]),
            ops.ModifyTableOps("parts", [COLUMN]),
        ]

        assert summary(operations) == "Change the table parts. Create the table suppliers."


def run(checkout, *command):
    return subprocess.run(command, cwd=checkout, env=BASE, capture_output=True, text=True)


@pytest.mark.checkout
class TestCommand:
    def test_long_strings_and_custom_types_pass_the_linters(self, checkout):
        kinds = ", ".join(f"'kind {number}'" for number in range(20))
        (checkout / "models" / "companies.py").write_text(MODEL.format(kinds=kinds))

        done = run(checkout, "make", "migration", "NAME=user company")

        assert done.returncode == 0, done.stderr
        (file,) = checkout.glob("alembic/versions/*_user_company.py")
        assert file.read_text().startswith('"""Create the table user_companies."""\n')
        for check in ([".venv/bin/ruff", "check"], [".venv/bin/black", "--check"]):
            assert (done := run(checkout, *check, str(file))).returncode == 0, done.stdout

    def test_no_file_is_written_without_a_difference(self, checkout):
        before = sorted(checkout.glob("alembic/versions/*.py"))

        done = run(checkout, "make", "migration", "NAME=nothing")

        assert done.returncode != 0
        assert "the migrations match the models" in done.stderr
        assert sorted(checkout.glob("alembic/versions/*.py")) == before

    def test_name_is_required(self, checkout):
        assert "NAME=suppliers" in run(checkout, "make", "migration").stderr
