"""The list of products gives the same pages as a plain search in Python."""

import random
import re
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from sqlalchemy import insert

from models.products import Product

SEED, PRODUCTS = 7, 5000
# From frequent to rare, with common prefixes.
WORDS = [
    f"{stem}{end}"
    for end in ("", "er", "ing", "et", "2")
    for stem in ["mug", "Tea", "kit", "pan", "lid", "Élan"]
]
WEIGHTS = [1 / (n + 1) for n in range(len(WORDS))]
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue():
    dice = random.Random(SEED)
    return [made(dice, n) for n in range(PRODUCTS)]


@pytest.fixture
def _stored(connection, catalogue):
    connection.execute(insert(Product), catalogue)
    connection.exec_driver_sql("ANALYZE products")


def made(dice, n):
    words = dice.choices(WORDS, WEIGHTS, k=7)
    return {
        "id": f"product-{dice.getrandbits(40):x}-{n}",
        "name": " ".join(words[:2]),
        "description": f"{words[2]}, {'-'.join(words[3:5])}. {words[5].upper()} ({words[6]})",
        "price": dice.choice([0, 100, dice.randrange(100_000)]),
        "currency": dice.choices(["USD", "EUR", "JPY"], [90, 9, 1])[0],
        "stock": dice.choice([0, 0, 10]),
        # Several products have the same time; the newest half is not the one with the rare words.
        "created_at": START + timedelta(minutes=n // 3),
        "retired_at": START if dice.random() < 0.05 else None,
    }


def generated(dice):
    query = {}
    if dice.random() < 0.7:
        words = dice.choices(WORDS, k=dice.choice([1, 1, 2]))
        words[-1] = words[-1][: dice.randint(1, 6)]
        query["q"] = dice.choice([str.upper, str.lower, str])(" ".join(words))
    if dice.random() < 0.6:
        query["currency"] = dice.choice(["USD", "EUR", "JPY"])
        for name in ("price_min", "price_max"):
            if dice.random() < 0.4:
                query[name] = dice.choice([100, dice.randrange(100_000)])
    if dice.random() < 0.3:
        query["in_stock"] = dice.choice(["true", "false"])
    sorts = ["newest", "name", *(["price", "-price"] if "currency" in query else [])]
    query["sort"] = dice.choice(sorts)
    return query


def expected(catalogue, query):
    rows = [row for row in catalogue if row["retired_at"] is None and matches(row, query)]
    column = {"newest": "created_at"}.get(query["sort"], query["sort"].removeprefix("-"))
    rows.sort(
        key=lambda row: (row[column], row["id"]), reverse=query["sort"] in ("newest", "-price")
    )
    return [row["id"] for row in rows]


def matches(row, query):
    *words, prefix = query.get("q", "").lower().split() or [""]
    present = lexemes(f"{row['name']} {row['description']}")
    return (
        all(word in present for word in words)
        and any(word.startswith(prefix) for word in present)
        and query.get("currency") in (None, row["currency"])
        and query.get("price_min", 0) <= row["price"] <= query.get("price_max", row["price"])
        and (query.get("in_stock") != "true" or row["stock"] > 0)
    )


@cache
def lexemes(text):
    return re.findall(r"\w+", text.lower())


def pages(client, query):
    cursor = {}
    while True:
        response = client.get("/api/products", query_string={**query, **cursor})
        assert response.status_code == 200, response.text
        yield [item["id"] for item in response.json["items"]]
        if not response.json["next_cursor"]:
            return
        cursor = {"cursor": response.json["next_cursor"]}


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize("queries", [70, pytest.param(200, marks=pytest.mark.nightly)])
def test_pages_are_those_of_a_plain_search(client, catalogue, queries):
    dice, sizes = random.Random(SEED), []

    for _ in range(queries):
        query = generated(dice)
        ids = expected(catalogue, query)
        limit = query["limit"] = 100 if len(ids) > 200 else 15
        wanted = [ids[at : at + limit] for at in range(0, len(ids), limit)] or [[]]
        assert list(pages(client, query)) == wanted, query
        sizes.append(len(ids))

    # The queries are of all kinds: without matches, with one page, and with many.
    assert min(sizes) == 0
    assert sum(1 <= size <= 15 for size in sizes) > queries / 20
    assert sum(size > 1000 for size in sizes) > queries / 20
