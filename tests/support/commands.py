"""Checks of `flask` commands and of the rows in the database after a command."""

from sqlalchemy import func, select


def refused(result, *parts):
    """Check that the command ended with an error of one line that contains `parts`."""
    assert result.exit_code != 0
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    for part in parts:
        assert part in result.stderr


def count(session, model):
    """Return the number of rows of a table."""
    return session.scalar(select(func.count()).select_from(model))
