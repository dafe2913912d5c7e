"""The `flask` commands, as somebody at a terminal meets them."""

import dataclasses

import pytest
from sqlalchemy import func, select

from models.orders import Order
from models.products import Product
from models.users import Role, User
from services import passwords
from tests.support.factories import ProductFactory, UserFactory

HEADER = "id,name,price,currency,stock,description\n"


@pytest.fixture
def flask(app, session):
    """Runs a command and tells how it ended."""

    def run(*args, **kwargs):
        result = app.test_cli_runner().invoke(args=args, catch_exceptions=False, **kwargs)
        session.rollback()
        return result

    return run


@pytest.fixture
def production(app, monkeypatch):
    settings = dataclasses.replace(app.extensions["settings"], flask_env="production")
    monkeypatch.setitem(app.extensions, "settings", settings)


@pytest.fixture
def csv(tmp_path):
    def write(content):
        path = tmp_path / "products.csv"
        path.write_text(HEADER + content)
        return str(path)

    return write


def refused(result, *told):
    """The command ended with an error, in a line, that says `told`."""
    assert result.exit_code != 0
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    for part in told:
        assert part in result.stderr


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


class TestCreateAdmin:
    @pytest.mark.parametrize(
        ("email", "password", "told"),
        [
            ("nobody", "long enough", "email: Not a valid email address."),
            ("a@" + "b" * 250 + ".com", "long enough", "email: "),
            ("ada@example.com", "short", "password: Length must be between 8 and 128."),
            ("ada@example.com", "x" * 129, "password: Length must be between 8 and 128."),
            ("ada@example.com", "\udcff" * 9, "password: Must not contain lone surrogates."),
        ],
    )
    def test_bad_account_is_refused_in_a_line(self, flask, session, email, password, told):
        refused(flask("users", "create-admin", email, "--password", password), told)

        assert count(session, User) == 0

    def test_all_that_is_bad_is_told_at_once(self, flask):
        refused(flask("users", "create-admin", "nobody", "--password", "x"), "email: ", "password:")

    def test_taken_address_is_refused_however_it_is_typed(self, flask, session):
        UserFactory(email="ada@example.com")

        result = flask("users", "create-admin", "Ada@Example.com", "--password", "long enough")

        refused(result, "account with this email")
        assert session.scalars(select(User.role)).all() == [Role.USER]

    def test_database_that_is_away_is_told_in_a_line(self, flask, no_database):
        refused(
            flask("users", "create-admin", "ada@example.com", "--password", "long enough"),
            "PostgreSQL: connection to server",
        )

    def test_password_is_asked_for_twice_and_not_shown(self, flask, session):
        result = flask(
            "users", "create-admin", "Ada@Example.com", input="long enough\nlong enough\n"
        )

        assert result.exit_code == 0
        assert "long enough" not in result.output
        user = session.scalars(select(User)).one()
        assert (user.email, user.role) == ("ada@example.com", Role.ADMIN)
        assert passwords.matches("long enough", user.password_hash)

    def test_name_and_password_as_options(self, flask, session):
        args = ("--name", "Ada", "--password", "long enough")

        assert "ada@example.com" in flask("users", "create-admin", "ada@example.com", *args).stdout
        assert session.scalars(select(User.name)).all() == ["Ada"]


class TestImportProducts:
    def test_no_such_file_is_refused(self, flask):
        assert flask("products", "import", "/nowhere.csv").exit_code == 2

    def test_bad_lines_are_told_and_nothing_is_imported(self, flask, session, csv):
        ProductFactory(id="a", price=1)
        result = flask("products", "import", csv("a,Mug,2,USD,1,\nb,,1,USD,1,\nc,Mug,?,USD,1,\n"))

        assert result.exit_code == 1
        assert "nothing was imported" in result.stderr
        assert "line 3: name" in result.stderr
        assert "line 4: price" in result.stderr
        assert session.execute(select(Product.id, Product.price)).all() == [("a", 1)]

    def test_database_that_is_away_is_told_in_a_line(self, flask, csv, no_database):
        result = flask("products", "import", csv("a,Mug,1,USD,1,\n"))

        assert result.exit_code == 1
        assert result.stderr.startswith("Error: PostgreSQL: ")

    def test_products_are_imported_and_counted(self, flask, session, csv):
        ProductFactory(id="a", price=1)
        result = flask("products", "import", csv("a,Mug,2,USD,1,\nb,Pot,3,USD,1,\n"))

        assert result.exit_code == 0, result.stderr
        assert "Imported 2 products." in result.stdout
        rows = session.execute(select(Product.id, Product.price, Product.version).order_by("id"))
        assert rows.all() == [("a", 2, 2), ("b", 3, 1)]

    def test_empty_table_of_products_is_no_error(self, flask, csv):
        assert "Imported 0 products." in flask("products", "import", csv("")).stdout


class TestLoadDemo:
    @pytest.mark.parametrize("password", ["securepassword123", "administrator123", None])
    def test_documented_password_is_refused_in_production(
        self, flask, session, production, password
    ):
        args = ("--password", password) if password else ()

        refused(flask("demo", "load", *args), "--password")
        assert count(session, User) == 0

    @pytest.mark.parametrize(
        ("args", "told"),
        [
            (("--email", "user@example.com"), "{n}"),
            (("--email", "user{n}"), "email: Not a valid"),
            (("--password", "short"), "password: Length"),
            (("--users", "0"), "--users"),
            (("--products", "0"), "--products"),
            (("--orders", "-1"), "--orders"),
        ],
    )
    def test_bad_option_is_refused(self, flask, session, args, told):
        result = flask("demo", "load", *args)

        assert result.exit_code != 0
        assert told in result.stderr
        assert count(session, User) == 0

    def test_production_gets_no_documented_accounts(self, flask, session, production):
        result = flask("demo", "load", "--users", "2", "--password", "nobody knows this")

        assert result.exit_code == 0, result.stderr
        emails = set(session.scalars(select(User.email)))
        assert emails == {"user1@example.com", "user2@example.com"}

    def test_second_load_adds_nothing(self, flask):
        first, second = flask("demo", "load"), flask("demo", "load")

        assert first.stdout == "Added 20 users, 20 products, 200 orders.\n"
        assert second.stdout == "Added 0 users, 0 products, 0 orders.\n"

    def test_everything_can_be_chosen(self, flask, session):
        sizes = ("--users", "3", "--products", "4", "--orders", "5")
        flask("demo", "load", *sizes, "--email", "X{n}@example.org", "--password", "nobody knows")

        mine = select(User).where(User.email.like("x_@example.org"))
        assert [
            passwords.matches("nobody knows", user.password_hash) for user in session.scalars(mine)
        ] == [True] * 3
        assert count(session, Product) == 4 + len(["abc", "def"])
        assert count(session, Order) == 5

    def test_examples_of_the_documentation_work(self, flask, client):
        flask("demo", "load")
        account = {"email": "user@example.com", "password": "securepassword123"}
        token = client.post("/api/auth/login", json=account).json["access_token"]

        answer = client.post(
            "/api/orders",
            headers={"Authorization": f"Bearer {token}"},
            json={
                "items": [
                    {"product_id": "abc", "quantity": 2},
                    {"product_id": "def", "quantity": 1},
                ],
                "shipping_address": {
                    "street": "123 Main St",
                    "city": "San Francisco",
                    "state": "CA",
                    "zip": "94102",
                },
            },
        )

        assert answer.status_code == 201, answer.text
