"""GET /api/products with a search, filters and sort orders."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from models.products import MAX_PRICE
from services.product_search import LIKELY_ROWS
from tests.support.shop import ProductFactory

FIRST_DAY = datetime(2026, 2, 1, tzinfo=UTC)


def found(client, **query):
    response = client.get("/api/products", query_string=query)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json["items"]]


SIMILAR = text("""
    INSERT INTO products (id, name, price, currency, stock)
    SELECT 'p' || n, 'Mugs wonder', 1, 'USD', 1 FROM generate_series(1, :rows) AS n""")


def test_products_behind_many_similar_ones_are_found(client, session):
    ProductFactory(id="mug", name="Mug wonder", created_at=FIRST_DAY)
    ProductFactory(id="old", name="Mug wood", created_at=FIRST_DAY - timedelta(days=1))
    session.execute(SIMILAR, {"rows": LIKELY_ROWS + 1})
    session.commit()

    assert found(client, q="mug wo") == ["mug", "old"]
    assert found(client, q="mug wo", in_stock="true", limit=1) == ["mug"]


class TestSearch:
    @pytest.fixture(autouse=True)
    def _products(self, session):
        ProductFactory(id="mug", name="Coffee Mug", description="Stoneware, 350 ml.")
        ProductFactory(id="shirt", name="T-Shirt", description="Éclair & Co, size M/L, v1.2")
        ProductFactory(id="tea", name="Чай 日本茶", description="foo_bar 50% o'neil C:\\temp")

    @pytest.mark.parametrize(
        ("q", "expected"),
        [
            ("coffee", ["mug"]),
            ("MUG coffee", ["mug"]),
            ("coffee stonew", ["mug"]),  # the last word is a prefix
            ("stonew coffee", []),  # another word is not
            ("offee", []),
            ("coffee tea", []),
            ("  coffee\t\n mug  ", ["mug"]),
            ("mug, 350", ["mug"]),
            ("t-shirt", ["shirt"]),
            ("t-sh", ["shirt"]),
            ("shirt", ["shirt"]),
            ("M/L", ["shirt"]),
            ("v1.2", ["shirt"]),
            ("éclair", ["shirt"]),
            ("eclair", []),  # accents count
            ("чай", ["tea"]),
            ("日本", ["tea"]),
            ("foo_bar", ["tea"]),
            ("o'neil", ["tea"]),
            ("c:\\temp", ["tea"]),
        ],
    )
    def test_finds_all_words_in_name_and_description(self, client, q, expected):
        assert found(client, q=q) == expected

    @pytest.mark.parametrize(
        "q",
        [
            *["&", "'", "''", "\\", "!mug", "(mug", "mug)", "mug:*", "a:B", "a <-> b", "mug | tea"],
            *["%", "_", "%%s", "%(q)s", ":q", "'); DROP TABLE products; --", "<b>", "&amp;"],
            *["x" * 200, "a " * 100, "' " * 100, "é" * 200, "🙂", "e\u0301", " ", "\x01"],
            "http://a.b/c?d='e",
        ],
    )
    def test_odd_input_is_plain_text(self, client, q):
        assert set(found(client, q=q)) <= {"mug", "shirt", "tea"}

    @pytest.mark.parametrize("q", ["&|!", "' \\", " ", "…"])
    def test_search_without_words_finds_nothing(self, client, q):
        assert found(client, q=q) == []

    def test_operators_have_no_effect(self, client):
        assert found(client, q="mug | tea") == []
        assert found(client, q="!mug") == ["mug"]

    def test_retired_product_is_not_found(self, client):
        ProductFactory(id="old", name="Old lamp", retired_at=FIRST_DAY)

        assert found(client, q="lamp") == []

    def test_new_name_replaces_the_old_one(self, as_admin):
        as_admin.patch("/api/products/mug", json={"name": "Espresso cup"})

        assert found(as_admin, q="espresso") == ["mug"]
        assert found(as_admin, q="coffee") == []


class TestFilters:
    @pytest.fixture(autouse=True)
    def _products(self, session):
        rows = [
            ("c", 300, "USD", 0),
            ("b", 100, "USD", 5),
            ("a", 200, "USD", 5),
            ("d", 1, "EUR", 5),
        ]
        for day, (name, price, currency, stock) in enumerate(rows):
            fields = {"price": price, "currency": currency, "stock": stock}
            created = FIRST_DAY + timedelta(days=day)
            ProductFactory(id=name, name=name, created_at=created, **fields)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({}, "dabc"),
            ({"sort": "newest"}, "dabc"),
            ({"sort": "name"}, "abcd"),
            ({"currency": "USD"}, "abc"),
            ({"currency": "XXX"}, ""),
            ({"currency": "USD", "sort": "price"}, "bac"),
            ({"currency": "USD", "sort": "-price"}, "cab"),
            ({"currency": "USD", "sort": "name"}, "abc"),
            ({"currency": "USD", "price_min": 200}, "ac"),
            ({"currency": "USD", "price_max": 200}, "ab"),
            ({"currency": "USD", "price_min": 200, "price_max": 200}, "a"),
            ({"currency": "USD", "price_min": 300, "price_max": 200}, ""),
            ({"currency": "USD", "price_max": MAX_PRICE, "sort": "-price"}, "cab"),
            ({"currency": "USD", "price_min": 0, "sort": "name"}, "abc"),
            ({"in_stock": "true"}, "dab"),
            ({"in_stock": "false"}, "dabc"),
            ({"in_stock": "true", "currency": "USD", "sort": "-price"}, "ab"),
            ({"q": "a", "currency": "USD", "in_stock": "true", "price_max": 200}, "a"),
        ],
    )
    def test_list_is_filtered_and_sorted(self, client, query, expected):
        assert "".join(found(client, **query)) == expected

    @pytest.mark.parametrize("query", [{"price_min": 1}, {"price_max": 1}, {"sort": "price"}])
    def test_prices_of_different_currencies_are_not_compared(self, client, query):
        refused(client, query, "/currency")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("q", ""),
            ("q", "x" * 201),
            ("q", "a\0b"),
            ("currency", "usd"),
            ("price_min", "-1"),
            ("price_max", "1000000001"),
            ("price_max", "99999999999"),
            ("price_max", "1.5"),
            ("in_stock", "yes"),
            ("in_stock", "1"),
            ("in_stock", ""),
            ("sort", "-name"),
            ("sort", ""),
        ],
    )
    def test_bad_value_is_a_422(self, client, name, value):
        refused(client, {"currency": "USD", name: value}, f"/{name}")

    def test_cursor_is_valid_for_its_filters_and_sort_order_only(self, client):
        cursor = client.get("/api/products?sort=name&limit=1").json["next_cursor"]

        assert found(client, sort="name", cursor=cursor) == ["b", "c", "d"]
        refused(client, {"cursor": cursor}, "/cursor")
        refused(client, {"sort": "name", "currency": "USD", "cursor": cursor}, "/cursor")

    def test_cursor_can_contain_the_longest_name(self, client):
        ProductFactory(id="e", name="\x01" * 200)
        first = client.get("/api/products?sort=name&limit=1").json

        assert first["items"][0]["id"] == "e"
        assert found(client, sort="name", cursor=first["next_cursor"]) == ["a", "b", "c", "d"]


def refused(client, query, pointer):
    response = client.get("/api/products", query_string=query)
    assert response.status_code == 422, response.text
    assert [error["pointer"] for error in response.json["errors"]] == [pointer]
