"""The conditions of a product search select the same products, whatever the text contains."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.product_search import FILTERS, INDEXED, LIKELY, _filters

LETTERS = "abkiAKI12~!-_./@:+'\\%<>&^éÉİΣςß日本йЙ🙂\u0131\u017f\u212a\u0301"
WORDS = [
    *["t-shirt", "T-Shirts", "a-b-c", "foo_bar", "foo", "bar", "M/L", "v1.2", "-3.50", "1e5"],
    *["350ml", "o'neil", "http://a.b/c?d=e", "www.shop.example/a/b", "ann@shop.example"],
    *["C:\\temp", "/usr/bin", "<b>", "&amp;", "^t", "x", "chandelier", "chandeliers"],
    *["日本茶", "Élan", "ISIK", "İstanbul", "<red", "mug>", "http://", "~/x", "V1.2", "~2", "!"],
]
words = st.sampled_from(WORDS) | st.text(LETTERS, min_size=1, max_size=10)
texts = st.lists(words, min_size=1, max_size=5).map(" ".join)
STATEMENT = text(f"""
    SELECT name, {FILTERS["q"]} AS exact, coalesce({INDEXED}, false) AS indexed, {LIKELY} AS likely
    FROM unnest(CAST(:names AS text[])) AS names (name), (VALUES ('')) AS empty (description)
    """)  # noqa: S608 (constants)


@settings(max_examples=300, deadline=None)
@given(names=st.lists(texts, min_size=1, max_size=20), data=st.data())
def test_index_and_nearby_rows_find_what_the_exact_condition_finds(engine, names, data):
    # Words of a product, the last one cut off.
    *first, last = data.draw(st.permutations(names[0].split() or ["-"]))[:3]
    q = " ".join([*first, last[: data.draw(st.integers(1, 12))]])
    check(engine, names, q)


def check(engine, names, q):
    with engine.connect() as connection:
        rows = connection.execute(STATEMENT, {**_filters(q=q)[1], "names": names}).all()

    assert [row for row in rows if row.exact != row.indexed] == [], q
    assert [row for row in rows if row.exact and not row.likely] == [], q
    return [row.name for row in rows if row.exact]


@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("x a-b", "a-b-c x"),
        ("red t-sh", "Red T-Shirt"),
        ("t-shirt re", "Red T-Shirt"),
        ("chandeli", "Chandelier"),
        ("chandelie", "Chandelier"),
        ("a chandelier", "A chandelier"),
        ("ann@shop.ex", "ann@shop.example"),
        ("shop.example/a", "http://shop.example/a/b"),
        ("foo_b", "foo_bar"),
        ("kelvin", "\u212aelvin"),
        ("日", "日本茶"),
        ("é", "Élan"),
        ("<red mug> !", "red mug blue"),
        ("<red mug> blu", "red mug blue"),
    ],
)
def test_words_of_all_kinds_are_found(engine, q, name):
    assert name in check(engine, [name, "bar foo", "shirt red t", "x"], q)
