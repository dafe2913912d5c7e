"""Products."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DDL, BigInteger, CheckConstraint, Index, String, event, text
from sqlalchemy.orm import Mapped, mapped_column
from typeid import TypeID

from models.base import Base, Versioned, table
from models.types import ProductID

# An order has at most 100 items of at most 10,000 units each. With this maximum, the total of an
# order stays below 2**53, so every JSON parser reads it exactly.
MAX_PRICE = 1_000_000_000
MAX_STOCK = 2_000_000_000
# The searched text of a product. The index and the queries must use the same SQL text. Alembic
# needs the parentheses to compare the index of the model with the index in the database.
SEARCH_TEXT = "(name || ' ') || description"
SEARCH_VECTOR = f"to_tsvector('simple', {SEARCH_TEXT})"
# Returns the words of a text, and `^` with the first 1 to 8 letters of each word. An index of both
# finds the beginning of a word as fast as a whole word. The prefix query `mu:*` is slower: it reads
# the products of all words that begin with `mu`, even if the search has a second word.
SEARCH_WORDS = """
CREATE OR REPLACE FUNCTION search_words(text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT words || array_to_tsvector(ARRAY(
        SELECT '^' || left(word, length)
        FROM unnest(tsvector_to_array(words)) AS word, generate_series(1, 8) AS length
    ))
    FROM to_tsvector('pg_catalog.simple', $1) AS words
$$"""


def _index(name: str, *columns: Any, **options: Any) -> Index:
    return Index(name, *columns, postgresql_where=text("retired_at IS NULL"), **options)


class Product(Versioned, Base):
    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("id <> ''", name="id_not_empty"),
        CheckConstraint(f"price BETWEEN 0 AND {MAX_PRICE}", name="price_in_range"),
        # No upper bound, so that a cancellation can always return its units to the stock.
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        # One index for each sort order, with and without a currency, and one for the search. A sort
        # by price requires a currency. No index has `stock`, so that an order can update the stock
        # without writing to the indexes (HOT update).
        _index("ix_products_listed", "created_at", "id"),
        _index("ix_products_by_name", "name", "id"),
        _index("ix_products_of_currency", "currency", "created_at", "id"),
        _index("ix_products_of_currency_by_name", "currency", "name", "id"),
        _index("ix_products_of_currency_by_price", "currency", "price", "id"),
        _index("ix_products_words", text(f"search_words({SEARCH_TEXT})"), postgresql_using="gin"),
    )

    id: Mapped[str] = mapped_column(
        ProductID, primary_key=True, default=lambda: str(TypeID("product"))
    )
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000), server_default="")
    price: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    stock: Mapped[int] = mapped_column(BigInteger)
    # An event is recorded when the stock falls to this number or below; NULL for no event.
    stock_low_threshold: Mapped[int | None] = mapped_column(BigInteger)
    retired_at: Mapped[datetime | None]


# Creates the function for `create_all` in tests; in production, a migration creates it.
event.listen(table(Product), "before_create", DDL(SEARCH_WORDS))  # type: ignore[no-untyped-call]
