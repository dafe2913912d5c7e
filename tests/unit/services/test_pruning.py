"""Pruning deletes expired rows in batches, and skips locked rows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.api_keys import APIKey
from models.events import EVENT_ID, Event, EventType
from models.idempotency import IdempotencyKey
from models.sessions import AuthSession
from services import events, idempotency, pruning
from services.principals import Actor
from tests.support.factories import UserFactory

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)
OLD, FRESH = NOW - timedelta(hours=25), NOW - timedelta(hours=23)


def key(user, name, created_at):
    return IdempotencyKey(user_id=user.id, key=name, fingerprint=b"", created_at=created_at)


def signed_in(user, expires_at, **more):
    return AuthSession(user_id=user.id, token_hash=b"", expires_at=expires_at, **more)


def kept(session, column):
    return set(session.scalars(select(column)))


class TestIdempotencyKeys:
    def test_keys_older_than_a_day_are_deleted(self, session, user):
        session.add_all([key(user, "old", OLD), key(user, "fresh", FRESH)])

        assert pruning.idempotency_keys(session, 10) == 1

        assert kept(session, IdempotencyKey.key) == {"fresh"}

    def test_batch_deletes_only_the_oldest(self, session, user):
        session.add_all([key(user, f"{n}", OLD - n * HOUR) for n in range(5)])

        assert pruning.idempotency_keys(session, 3) == 3

        assert kept(session, IdempotencyKey.key) == {"0", "1"}

    def test_same_key_of_another_user_is_kept(self, session, user):
        session.add_all([key(user, "k", OLD), key(UserFactory(), "k", FRESH)])

        assert pruning.idempotency_keys(session, 10) == 1


class TestSessions:
    def test_expired_sessions_are_deleted(self, session, user):
        session.add_all([signed_in(user, NOW - HOUR), signed_in(user, NOW + HOUR)])

        assert pruning.sessions(session, 10) == 1

        assert kept(session, AuthSession.expires_at) == {NOW + HOUR}

    def test_ended_session_is_kept_until_its_expiry(self, session, user):
        session.add(signed_in(user, NOW + HOUR, revoked_at=OLD))

        assert pruning.sessions(session, 10) == 0


class TestCommand:
    def test_command_deletes_in_batches_and_prints_the_counts(self, app, session, user):
        session.add_all([key(user, f"{n}", OLD) for n in range(5)])
        session.add_all([signed_in(user, NOW - HOUR) for _ in range(3)])
        session.commit()

        told = app.test_cli_runner().invoke(args=["prune", "--batch", "2"]).stdout

        assert told.splitlines() == [
            "Pruned 5 idempotency keys.",
            "Pruned 3 sessions.",
            "Pruned 0 API keys.",
            "Pruned 0 mails.",
            "Pruned 0 tokens of mails.",
            "Pruned 0 webhook deliveries.",
            "Pruned 0 events.",
        ]


class TestDuringTraffic:
    @pytest.fixture
    def buyer(self, own_engine):
        with Session(own_engine, expire_on_commit=False) as session:
            user = UserFactory.build()
            session.add(user)
            session.flush()
            session.add_all([key(user, "busy", OLD), key(user, "idle", OLD)])
            session.commit()
        return user

    def test_locked_key_is_skipped(self, own_engine, buyer):
        with Session(own_engine) as request, Session(own_engine) as pruner:
            request.execute(
                idempotency.CLAIM, {"user_id": buyer.id, "key": "busy", "fingerprint": b""}
            )

            assert pruning.idempotency_keys(pruner, 10) == 1
            pruner.commit()
            request.commit()

            assert kept(pruner, IdempotencyKey.key) == {"busy"}

    def test_parallel_commands_share_the_work(self, own_engine, buyer):
        with Session(own_engine) as one, Session(own_engine) as other:
            assert pruning.idempotency_keys(one, 1) == 1
            assert pruning.idempotency_keys(other, 1) == 1
            one.commit()
            other.commit()

            assert one.scalar(select(func.count()).select_from(IdempotencyKey)) == 0


class TestAPIKeys:
    def test_those_that_ended_more_than_thirty_days_ago_go(self, session, user):
        old, recent = NOW - timedelta(days=31), NOW - timedelta(days=29)
        ends = {
            "live": (None, None),
            "expired": (old, None),
            "revoked": (NOW + HOUR, old),
            "just expired": (recent, None),
            "just revoked": (None, recent),
        }
        for name, (expires_at, revoked_at) in ends.items():
            key = APIKey(user_id=user.id, created_by=user.id, name=name, scopes=["profile"])
            key.digest, key.expires_at, key.revoked_at = name.encode(), expires_at, revoked_at
            session.add(key)
        session.flush()

        assert pruning.api_keys(session, 10) == 2

        assert kept(session, APIKey.name) == {"live", "just expired", "just revoked"}


class TestEvents:
    def test_those_of_more_than_thirty_days_ago_go(self, session):
        for days in (31, 29, 0):
            moment = NOW - timedelta(days=days)
            row = events.values(EventType.USER_DEACTIVATED, f"{days}", 1, Actor())
            events.record_all(session, [row | {"id": EVENT_ID.at(moment.timestamp())}])

        assert pruning.events(session, 10) == 1

        assert kept(session, Event.resource_id) == {"29", "0"}
