"""Demo users, with the documented accounts."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from services import passwords
from services.demo_accounts import ADMIN, ADMIN_PASSWORD, USER, USER_PASSWORD


def load(session: Session, count: int, email: str, password: str, *, accounts: bool) -> int:
    """Insert demo users up to `count`, and return the number of new ones.

    Args:
        email: The addresses of the users, with `{n}` for 1, 2, …
        password: The password of all users.
        accounts: Whether to insert the two documented accounts.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))
    session.execute(text(UUID7))
    if accounts:
        _accounts(session)
    values = {"users": count, "email": email.lower(), "hash": passwords.hashed(password)}
    added: int = session.scalars(text(USERS), values).one()
    session.execute(text("ANALYZE users"))
    return added


def _accounts(session: Session) -> None:
    for email, password, name, role in (
        (USER, USER_PASSWORD, "John Doe", "user"),
        (ADMIN, ADMIN_PASSWORD, "Ada Admin", "admin"),
    ):
        values = {"email": email, "hash": passwords.hashed(password), "name": name, "role": role}
        session.execute(text(ACCOUNT), values)


# Returns a UUIDv7 (RFC 9562) for a time in the past, so that ids sort by time of creation. It is a
# random UUIDv4 with the time in its first 48 bits; two more bits change version 4 to 7.
UUID7 = """
    CREATE OR REPLACE FUNCTION pg_temp.uuid7(at timestamptz) RETURNS uuid LANGUAGE sql AS $$
        SELECT encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid())
            PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3)
            FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
    $$"""

ACCOUNT = """
    INSERT INTO users (id, email, password_hash, name, role, email_verified_at)
    VALUES (pg_temp.uuid7(now()), :email, :hash, :name, :role, now()) ON CONFLICT DO NOTHING"""

USERS = """
    WITH made AS (
        INSERT INTO users (id, email, password_hash, name)
        SELECT pg_temp.uuid7(now()), replace(:email, '{n}', n::text), :hash, 'Demo user ' || n
        FROM generate_series(1, :users) AS n ON CONFLICT DO NOTHING RETURNING id
    ) SELECT count(*) FROM made"""
