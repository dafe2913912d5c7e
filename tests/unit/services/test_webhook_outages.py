"""The deliverer without PostgreSQL."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker

from commands.webhooks import body
from services.webhook_deliverer import Deliverer
from tests.support.webhooks import rules


def test_single_run_fails_and_does_not_wait():
    nothing_listens_here = create_engine("postgresql+psycopg2://127.0.0.1:1/none")
    deliverer = Deliverer(sessionmaker(nothing_listens_here).begin, body, rules())

    with pytest.raises(OperationalError):
        deliverer.run(once=True)
