"""`flask products` and `flask demo`."""

import pytest
from sqlalchemy import select

from models.orders import Order
from models.products import Product
from models.users import User
from services import passwords
from tests.support.commands import count, refused
from tests.support.shop import ProductFactory

HEADER = "id,name,price,currency,stock,description\n"


@pytest.fixture
def csv(tmp_path):
    def write(content):
        path = tmp_path / "products.csv"
        path.write_text(HEADER + content)
        return str(path)

    return write


class TestImportProducts:
    def test_absent_file_is_an_error(self, flask):
        assert flask("products", "import", "/nowhere.csv").exit_code == 2

    def test_invalid_lines_are_printed_and_nothing_is_imported(self, flask, session, csv):
        ProductFactory(id="a", price=1)
        result = flask("products", "import", csv("a,Mug,2,USD,1,\nb,,1,USD,1,\nc,Mug,?,USD,1,\n"))

        assert result.exit_code == 1
        assert "nothing was imported" in result.stderr
        assert "line 3: name" in result.stderr
        assert "line 4: price" in result.stderr
        assert session.execute(select(Product.id, Product.price)).all() == [("a", 1)]

    def test_unavailable_database_is_an_error_of_one_line(self, flask, csv, no_database):
        result = flask("products", "import", csv("a,Mug,1,USD,1,\n"))

        assert result.exit_code == 1
        assert result.stderr.startswith("Error: PostgreSQL: ")

    def test_products_are_imported_and_counted(self, flask, session, csv):
        ProductFactory(id="a", price=1)
        result = flask("products", "import", csv("a,Mug,2,USD,1,\nb,Pot,3,USD,1,\n"))

        assert result.exit_code == 0, result.stderr
        assert "Imported 2 products." in result.stdout
        rows = session.execute(select(Product.id, Product.price, Product.version).order_by("id"))
        assert rows.all() == [("a", 2, 3), ("b", 3, 2)]

    def test_file_without_products_is_accepted(self, flask, csv):
        assert "Imported 0 products." in flask("products", "import", csv("")).stdout


class TestLoadDemo:
    @pytest.mark.parametrize("password", ["securepassword123", "administrator123", None])
    def test_documented_password_is_rejected_in_production(
        self, flask, session, production, password
    ):
        args = ("--password", password) if password else ()

        refused(flask("demo", "load", "--allow-production", *args), "--password")
        assert count(session, User) == 0

    def test_production_without_the_flag_is_rejected(self, flask, session, production):
        result = flask("demo", "load", "--password", "new password")

        refused(result, "production", "--allow-production")
        assert [count(session, model) for model in (User, Product, Order)] == [0, 0, 0]

    @pytest.mark.parametrize(
        ("args", "told"),
        [
            (("--email", "user@example.com"), "{n}"),
            (("--email", "user{n}"), "email: Not a valid"),
            (("--password", "short"), "password: Length"),
            (("--users", "0"), "--users"),
            (("--products", "0"), "--products"),
            (("--orders", "-1"), "--orders"),
            (("--stock", "-1"), "--stock"),
            (("--stock", "2000000001"), "--stock"),
        ],
    )
    def test_invalid_option_is_rejected(self, flask, session, args, told):
        result = flask("demo", "load", *args)

        assert result.exit_code != 0
        assert told in result.stderr
        assert count(session, User) == 0

    def test_production_gets_no_documented_accounts(self, flask, session, production):
        args = ("--allow-production", "--users", "2", "--password", "new password")
        result = flask("demo", "load", *args)

        assert result.exit_code == 0, result.stderr
        emails = set(session.scalars(select(User.email)))
        assert emails == {"user1@example.com", "user2@example.com"}

    def test_second_load_adds_nothing(self, flask):
        first, second = flask("demo", "load"), flask("demo", "load")

        assert first.stdout == "Added 20 users, 20 products, 200 orders.\n"
        assert second.stdout == "Added 0 users, 0 products, 0 orders.\n"

    def test_all_options_are_applied(self, flask, session):
        sizes = ("--users", "3", "--products", "4", "--orders", "5", "--stock", "1000000")
        flask("demo", "load", *sizes, "--email", "X{n}@example.org", "--password", "new password")

        mine = select(User).where(User.email.like("x_@example.org"))
        assert [
            passwords.matches("new password", user.password_hash) for user in session.scalars(mine)
        ] == [True] * 3
        stocks = session.scalars(select(Product.stock)).all()
        assert stocks == [1_000_000] * (4 + len(["abc", "def"]))
        assert count(session, Order) == 5

    def test_examples_of_the_documentation_work(self, flask, client):
        flask("demo", "load")
        account = {"email": "user@example.com", "password": "securepassword123"}
        token = client.post("/api/auth/login", json=account).json["access_token"]

        response = client.post(
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

        assert response.status_code == 201, response.text
