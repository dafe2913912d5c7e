"""Schemas of stock changes."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates

from models.products import MAX_STOCK
from models.stock import GIVEN_REASONS, StockReason
from schemas.base import MAX_EXACT, RequestSchema, ResponseSchema, StrictInteger, Timestamp
from schemas.ids import id_field, typeid
from schemas.orders import ORDER_ID
from schemas.pages import PageQuerySchema
from schemas.problems import extension_member
from schemas.products import PRODUCT_ID
from schemas.users import USER_ID

CHANGE = {"description": "Number of units; negative if the stock falls.", "example": 50}


class NewStockChangeSchema(RequestSchema):
    """A change of the stock of a product."""

    change = StrictInteger(
        -MAX_STOCK, MAX_STOCK, required=True, metadata={**CHANGE, "not": {"const": 0}}
    )
    reason = fields.String(
        required=True,
        validate=validate.OneOf([reason.value for reason in GIVEN_REASONS]),
        metadata={
            "description": "`delivery` or `return` for added units, `loss` for removed units, "
            "`correction` for others.",
            "example": "delivery",
        },
    )

    @validates("change")
    def not_zero(self, change: int, **_: Any) -> None:
        if change == 0:
            raise ValidationError("Must not be 0.")


class StockChangeSchema(ResponseSchema):
    """A change of the stock of a product."""

    product_id = id_field(PRODUCT_ID)
    version = StrictInteger(
        1,
        MAX_EXACT,
        required=True,
        metadata={
            "description": "Number of the change: unique for its product, increasing with gaps.",
            "example": 7,
        },
    )
    change = StrictInteger(-MAX_EXACT, MAX_EXACT, required=True, metadata=CHANGE)
    stock = StrictInteger(
        0,
        MAX_EXACT,
        required=True,
        metadata={"description": "Stock after the change.", "example": 150},
    )
    reason = fields.String(
        required=True,
        validate=validate.OneOf([reason.value for reason in StockReason]),
        metadata={
            "description": "Reason of the change. `count` is a `stock` set by "
            "`PATCH /api/products/{id}`, `opening` is stock from before the first recorded change.",
            "example": "delivery",
        },
    )
    order_id = id_field(
        ORDER_ID,
        allow_none=True,
        metadata={"description": "Order that was placed or cancelled; null for other reasons."},
    )
    changed_by = id_field(
        USER_ID,
        allow_none=True,
        metadata={"description": "User who made the change; null for a command."},
    )
    changed_by_api_key = id_field(
        typeid("key"),
        allow_none=True,
        metadata={"description": "API key of the change; null for an access token."},
    )
    changed_at = Timestamp(
        required=True,
        metadata={
            "description": "Time of the change (RFC 3339, UTC).",
            "example": "2026-02-10T14:30:00Z",
        },
    )


class StockChangeQuerySchema(PageQuerySchema):
    """Query parameters of the list of stock changes."""


extension_member(
    "available",
    StrictInteger(
        0,
        MAX_EXACT,
        metadata={
            "description": "Number of units in stock; for `insufficient-stock` only.",
            "example": 1,
        },
    ),
)
