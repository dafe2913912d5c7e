"""List of products: full-text search, filters and sort orders."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Select, literal_column, select, text
from sqlalchemy.orm import Session

from models.base import table
from models.products import SEARCH_TEXT, SEARCH_VECTOR, Product
from services import pages
from services.pages import NEWEST, Page, PageRequest, Sort

products = table(Product)
ON_SALE = select(products).where(products.c.retired_at.is_(None))
SORTS = {
    "newest": NEWEST,
    "price": Sort(("price", "id"), descending=False),
    "-price": Sort(("price", "id")),
    "name": Sort(("name", "id"), descending=False),
}
# These conditions are SQL text, because they are used both on the table and on a subquery.
# HAS_WORDS is false for a search without words, so that the search matches nothing.
HAS_WORDS = "numnode(to_tsquery('simple', :q)) > 0"
# Every row that matches @@ also matches these LIKE patterns, which are faster than to_tsvector, but
# slower than the index. `lower` is slow without COLLATE "C", so the first pattern excludes most
# rows. With COLLATE "C", `lower` changes only ASCII letters. So the pattern has `%` for all others,
# and for `i` and `k`, which can be the lower case of other letters (U+0130 and U+212A).
LIKELY = f"""
    {HAS_WORDS} AND lower({SEARCH_TEXT} COLLATE "C") LIKE ALL (ARRAY(
        SELECT '%' || regexp_replace(lexeme, '[^!-hjl-~]', '%', 'g') || '%'
        FROM unnest(tsvector_to_array(to_tsvector('simple', :words))) AS lexeme
    )) AND lower({SEARCH_TEXT}) LIKE ALL (ARRAY(
        SELECT '%' || lexeme || '%'
        FROM unnest(tsvector_to_array(to_tsvector('simple', :words))) AS lexeme
    ))"""  # noqa: S608 (constants)
FILTERS = {
    "currency": "currency = :currency",
    "price_min": "price >= :price_min",
    "price_max": "price <= :price_max",
    "in_stock": "stock > 0",
    "q": f"{HAS_WORDS} AND {SEARCH_VECTOR} @@ to_tsquery('simple', :q)",
}
# The search index has the words of a text, and `^` with the first 1 to 8 letters of each (see
# models/products.py). The text search parser splits some words, such as `t-shirt`, into a phrase.
# The index finds rows with all words of the phrase, and the condition of FILTERS compares their
# positions. PostgreSQL removes this condition from the plan of a query without a phrase (`<->`).
INDEXED = f"""
    search_words({SEARCH_TEXT}) @@ CAST((
        SELECT string_agg(word, ' & ')
        FROM (
            SELECT quote_literal(unnest(tsvector_to_array(to_tsvector('simple', other))))
            FROM unnest(CAST(:others AS text[])) AS other
            UNION ALL
            SELECT CASE WHEN length(word) > 8 THEN quote_literal(word) || ':*'
                ELSE quote_literal('^' || word) END
            FROM unnest(tsvector_to_array(to_tsvector('simple', :last))) AS word
        ) AS words (word)
    ) AS tsquery)
    AND (CAST(to_tsquery('simple', :q) AS text) NOT LIKE '%<->%' OR {FILTERS["q"]})"""  # noqa: S608
# If the next 1,000 rows of the list fill the page with matches, the search ends. If they fill at
# least a fifth of it, the search checks 10,000 rows, which probably have two pages of matches. If
# the page is still not full, the search uses the search index.
NEARBY = 1000, 10_000
# A search calls to_tsvector for at most this many of the rows that match LIKELY, because a call
# takes up to 1 ms for the longest text. Must be larger than a page.
LIKELY_ROWS = 500


def list_all(session: Session, request: PageRequest, sort: str, **filters: Any) -> Page:
    """Return a page of the products on sale.

    The index of the sort order can apply some filters directly. Other filters, such as `q`, have
    two cases. If many products match, the next rows of the list already fill the page. If few
    match, a query for all matches is faster. PostgreSQL cannot estimate the number of matches, so
    the function tries both queries, in this order.
    """
    names, values = _filters(**filters)
    order, has_cursor = SORTS[sort], request.after is not None
    served = [name for name in names if name in _indexed(order)]
    if {*names} <= {*served, "in_stock"}:
        return pages.read_page(session, _where(*names), request, values, order)
    others = tuple(name for name in names if name not in served)
    for rows in NEARBY:
        nearby = _nearby(rows, tuple(served), others, order, has_cursor=has_cursor)
        page = pages.fetch(session, nearby, request, values, order)
        if page.next:
            return page
        if 5 * len(page.items) < request.limit:
            break
    return pages.fetch(session, _all(names, order, has_cursor=has_cursor), request, values, order)


def _filters(in_stock: bool = False, **values: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the names of the filters, and the values of their parameters."""
    names = (*values, *(("in_stock",) if in_stock else ()))
    if "q" in values:
        words = values["q"].replace("'", " ").replace("\\", " ").split()
        quoted = " & ".join(f"'{word}'" for word in words)
        values |= {"words": " ".join(words), "q": f"{quoted}:*" if words else ""}
        values |= {"others": words[:-1], "last": " ".join(words[-1:])}
    return names, values


def _indexed(sort: Sort) -> set[str]:
    """Return the filters that the index of the sort order can apply."""
    return {"currency", "price_min", "price_max"} if "price" in sort.columns else {"currency"}


def _conditions(names: Iterable[str], q: str = FILTERS["q"]) -> list[Any]:
    return [text(q if name == "q" else FILTERS[name]) for name in names]


@cache
def _where(*names: str) -> Select:
    return ON_SALE.where(*_conditions(names))


@cache
def _nearby(
    number: int, served: tuple[str, ...], others: tuple[str, ...], sort: Sort, *, has_cursor: bool
) -> Select:
    """Return the query for the page of matches among the next `number` of rows."""
    statement = _where(*served)
    rows = pages.first(pages.after(statement, sort) if has_cursor else statement, sort, number)
    if "q" in others:
        likely = _conditions(others, q=LIKELY)
        rows = pages.first(select(rows.subquery()).where(*likely), sort, LIKELY_ROWS)
    return pages.first(select(rows.subquery()).where(*_conditions(others)), sort)


@cache
def _all(names: tuple[str, ...], sort: Sort, *, has_cursor: bool) -> Select:
    """Return the query that finds all matches before it sorts them."""
    statement = ON_SALE.where(*_conditions(names, q=INDEXED))
    matches = pages.after(statement, sort) if has_cursor else statement
    # OFFSET 0 stops PostgreSQL from scanning the list in its sort order instead.
    return pages.first(select(matches.offset(literal_column("0")).subquery()), sort)
