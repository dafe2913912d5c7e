"""Pagination: the query parameters of a list, and its pages."""

from functools import cache

from marshmallow import Schema, fields, validate

from schemas.base import QueryInteger, RequestSchema, ResponseSchema, Text

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
CURSOR_EXAMPLE = "MjAyNi0wMi0xMFQxNDozMDowMCswMDowMCBvcmRlcl8wMQ.3Jx0Yy8mV5cQk1Zt"


class PageQuerySchema(RequestSchema):
    """Query parameters of a list; subclasses add filters."""

    limit = QueryInteger(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, MAX_LIMIT),
        metadata={"description": "Maximum number of items on the page.", "example": 20},
    )
    cursor = Text(
        # A function: apispec would document a default of null, but a query string has no null.
        load_default=lambda: None,
        # A cursor contains the values of the sort columns, such as a name of 200 characters.
        validate=validate.Length(1, 2000),
        metadata={
            "description": "Start of the page: the `next_cursor` of the previous page.",
            "examples": [CURSOR_EXAMPLE],
        },
    )


RESUMABLE: dict[str, fields.Field] = {
    "resume_cursor": fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "`cursor` of the items after this page, also of future items; null "
            "if there are no items yet.",
            "example": CURSOR_EXAMPLE,
        },
    )
}


# Cached: two lists can have the same items, but OpenAPI needs one schema for each name.
@cache
def page_of(schema: type[Schema], *, resumable: bool = False) -> type[Schema]:
    """Return the schema of a page whose items have this schema."""
    noun = schema.__name__.removesuffix("Schema")
    members: dict[str, fields.Field] = {
        "items": fields.List(
            fields.Nested(schema),
            required=True,
            metadata={"description": "Items of the page, in the order of the list."},
        ),
        "next_cursor": fields.String(
            required=True,
            allow_none=True,
            metadata={
                "description": "`cursor` of the next page; null on the last page.",
                "example": CURSOR_EXAMPLE,
            },
        ),
    }
    if resumable:
        members |= RESUMABLE
    return ResponseSchema.from_dict(members, name=f"{noun}PageSchema")
