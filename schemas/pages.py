"""Lists, a page at a time."""

from functools import cache

from marshmallow import Schema, fields, validate

from schemas.base import QueryWhole, RequestSchema, ResponseSchema, Text

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
CURSOR_EXAMPLE = "MjAyNi0wMi0xMFQxNDozMDowMCswMDowMCBvcmRlcl8wMQ.3Jx0Yy8mV5cQk1Zt"


class PageQuerySchema(RequestSchema):
    """The query of a list; its filters are added in subclasses."""

    limit = QueryWhole(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "How many items a page has at most.", "example": 20},
    )
    cursor = Text(
        # As a value instead of a function it would be documented, but a query has no null.
        load_default=lambda: None,
        validate=validate.Length(1, 500),
        metadata={
            "description": "Where the page begins: the `next_cursor` of the page before.",
            "examples": [CURSOR_EXAMPLE],
        },
    )


# The document has one schema for a name, and two lists can have the same items.
@cache
def page_of(schema: type[Schema]) -> type[Schema]:
    """The schema of a page of what `schema` describes."""
    noun = schema.__name__.removesuffix("Schema")
    return ResponseSchema.from_dict(
        {
            "items": fields.List(
                fields.Nested(schema),
                required=True,
                metadata={"description": "What is on this page, in the order of the list."},
            ),
            "next_cursor": fields.String(
                required=True,
                allow_none=True,
                metadata={
                    "description": "`cursor` of the next page; null on the last one.",
                    "example": CURSOR_EXAMPLE,
                },
            ),
        },
        name=f"{noun}PageSchema",
    )
