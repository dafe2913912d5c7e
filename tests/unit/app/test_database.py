"""Transactions, and the connections that they run on."""

from contextlib import suppress

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from app.db.database import GRACE_SECONDS, database, is_retryable, make_engine
from models.products import Product
from services.errors import InvalidRefreshToken, NotFound
from tests.support.factories import ProductFactory


def new_product(product_id):
    return Product(id=product_id, name="New", price=1, currency="USD", stock=1)


@pytest.fixture
def there(session):
    """The ids of the products that are in the database."""

    def read():
        return set(session.scalars(select(Product.id)))

    return read


@pytest.fixture
def pool(settings):
    """An engine as the service has it."""
    engine = make_engine(settings)
    yield engine
    engine.dispose()


class TestTransaction:
    @staticmethod
    def add_and_raise(error):
        with database.transaction() as session:
            session.add(new_product("a"))
            session.flush()
            raise error

    @pytest.mark.parametrize("error", [NotFound, InvalidRefreshToken, RuntimeError, SystemExit])
    def test_exception_rolls_back_and_goes_on(self, app, there, error):
        with app.app_context(), pytest.raises(error):
            self.add_and_raise(error)

        assert there() == set()

    def test_error_at_the_commit_rolls_back(self, app, there):
        ProductFactory(id="a")

        with app.app_context(), pytest.raises(IntegrityError), database.transaction() as session:
            session.add_all([new_product("a"), new_product("b")])

        assert there() == {"a"}

    def test_flush_that_failed_and_was_passed_over_is_no_success(self, app, there):
        ProductFactory(id="a")

        def pass_over():
            with database.transaction() as session:
                session.add(new_product("a"))
                with suppress(IntegrityError):
                    session.flush()

        with app.app_context(), pytest.raises(PendingRollbackError):
            pass_over()

    def test_end_of_the_block_commits(self, app, there):
        with app.app_context(), database.transaction() as session:
            session.add(new_product("a"))

        assert there() == {"a"}

    @pytest.mark.usefixtures("session")
    def test_what_was_read_can_be_used_afterwards(self, app):
        ProductFactory(id="a", stock=3)
        with app.app_context(), database.transaction() as session:
            product = session.get(Product, "a")

        assert product.stock == 3


class TestEngine:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("TimeZone", "UTC"),
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("application_name", "flask-api"),
        ],
    )
    def test_connections_are_bounded_by_the_server(self, pool, name, value):
        with pool.connect() as connection:
            assert connection.scalar(text(f"SHOW {name}")) == value

    def test_errors_tell_no_values(self, pool):
        divide = text("SELECT 1 / 0 WHERE :secret <> ''")
        with pool.connect() as connection, pytest.raises(DBAPIError, match="hidden") as caught:
            connection.execute(divide, {"secret": "hunter2"})

        assert "hunter2" not in str(caught.value)

    @pytest.mark.unpooled
    def test_restart_of_postgresql_between_requests_costs_no_error(
        self, client, pool, settings, use_engine
    ):
        use_engine(pool)
        assert client.get("/api/products").status_code == 200
        with pool.connect() as connection:
            process = connection.scalar(text("SELECT pg_backend_pid()"))
        other = create_engine(settings.database_url)
        with other.connect() as connection:
            # Waits until it is gone.
            connection.execute(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process})
        other.dispose()

        assert client.get("/api/products").status_code == 200


class TestLostConnections:
    """Lost under a statement, nothing was committed; lost at the COMMIT, nobody knows."""

    @pytest.fixture
    def lost(self, pool, settings):
        """A connection in a transaction, which PostgreSQL has ended."""
        other = create_engine(settings.database_url)
        with pool.connect() as lost, other.connect() as connection:
            process = lost.scalar(text("SELECT pg_backend_pid()"))
            connection.execute(text("SELECT pg_terminate_backend(:id, 5000)"), {"id": process})
            yield lost
        other.dispose()

    def test_statement_is_worth_running_again(self, lost):
        with pytest.raises(DBAPIError) as error:
            lost.execute(text("SELECT 1"))

        assert is_retryable(error.value)
        assert not is_retryable(error.value, seconds=GRACE_SECONDS)

    def test_commit_is_not(self, lost):
        with pytest.raises(DBAPIError) as error:
            lost.commit()

        assert not is_retryable(error.value)
