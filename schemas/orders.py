"""Orders."""

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates

from models.orders import MAX_ITEMS, MAX_QUANTITY, OrderStatus
from models.products import MAX_PRICE
from schemas.base import (
    CREATED,
    MAX_EXACT,
    UPDATED,
    RequestSchema,
    ResponseSchema,
    Text,
    Timestamp,
    Whole,
    text,
)
from schemas.ids import id_field, typeid
from schemas.order_examples import ORDER_ITEMS_EXAMPLE
from schemas.pages import PageQuerySchema
from schemas.problems import extension_member
from schemas.products import CURRENCY_SHOWN, IS_PRODUCT_ID, PRODUCT_ID
from schemas.users import USER_ID

ORDER_ID = typeid("order")
STATUS = validate.OneOf([status.value for status in OrderStatus])
COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z", error="Must be an ISO 3166-1 code, such as US.")
STATUS_TEXT = (
    "How far the order has come: `pending`, `paid`, `shipped`, `delivered`, or `cancelled`."
)
ITEM_NAME = {
    "description": "The name of the product at the time of ordering.",
    "example": "Coffee mug",
}
QUANTITY = {"description": "How many pieces.", "example": 2}


class ShippingAddressSchema(RequestSchema):
    """Where an order goes."""

    street = text(
        200,
        required=True,
        metadata={"description": "Street and number.", "example": "123 Main St"},
    )
    city = text(
        100, required=True, metadata={"description": "City or town.", "example": "San Francisco"}
    )
    state = text(100, required=True, metadata={"description": "State or region.", "example": "CA"})
    zip = text(20, required=True, metadata={"description": "Postal code.", "example": "94102"})
    country = Text(
        validate=COUNTRY,
        metadata={
            "description": "The country (ISO 3166-1 alpha-2). Recommended: without it, the address "
            "is ambiguous outside the seller's country.",
            "example": "US",
        },
    )


class NewOrderItemSchema(RequestSchema):
    """How many of which product."""

    product_id = Text(
        required=True,
        validate=IS_PRODUCT_ID,
        metadata={"description": "The `id` of the product.", "example": "abc"},
    )
    quantity = Whole(1, MAX_QUANTITY, required=True, metadata=QUANTITY)


class NewOrderSchema(RequestSchema):
    """What is ordered, and where it goes."""

    items = fields.List(
        fields.Nested(NewOrderItemSchema),
        required=True,
        validate=validate.Length(1, MAX_ITEMS),
        metadata={"description": "What is ordered, each product once, all in one currency."},
    )
    shipping_address = fields.Nested(
        ShippingAddressSchema, required=True, metadata={"description": "Where it goes."}
    )

    @validates("items")
    def each_product_once(self, items: Sequence[dict[str, Any]], **_: Any) -> None:
        seen: set[str] = set()
        errors: dict[int, Any] = {}
        for i, item in enumerate(items):
            if "product_id" not in item:  # which is an error of its own
                continue
            if item["product_id"] in seen:
                errors[i] = {"product_id": ["Must be there once only; add up the quantities."]}
            seen.add(item["product_id"])
        if errors:
            raise ValidationError(errors)


class OrderItemSchema(ResponseSchema):
    """A line of an order."""

    product_id = id_field(PRODUCT_ID)
    name = text(200, required=True, metadata=ITEM_NAME)
    quantity = Whole(1, MAX_QUANTITY, required=True, metadata=QUANTITY)
    unit_price = Whole(
        0,
        MAX_PRICE,
        required=True,
        metadata={
            "description": "The price of a piece at the moment of ordering, in minor units.",
            "example": 1250,
        },
    )


class OrderChangeSchema(ResponseSchema):
    """A step of an order from one status to the next."""

    from_status = fields.String(
        required=True,
        data_key="from",
        validate=STATUS,
        metadata={"description": "The status before.", "example": "pending"},
    )
    to_status = fields.String(
        required=True,
        data_key="to",
        validate=STATUS,
        metadata={"description": "The status after.", "example": "paid"},
    )
    changed_by = id_field(USER_ID, data_key="by", metadata={"description": "The user who did it."})
    changed_at = Timestamp(
        required=True,
        data_key="at",
        metadata={"description": "When (RFC 3339, UTC).", "example": "2026-02-10T14:30:00Z"},
    )


class OrderSchema(ResponseSchema):
    """An order."""

    id = id_field(ORDER_ID)
    user_id = id_field(USER_ID, metadata={"description": "The user whose order it is."})
    status = fields.String(
        required=True, validate=STATUS, metadata={"description": STATUS_TEXT, "example": "pending"}
    )
    items = fields.List(
        fields.Nested(OrderItemSchema),
        required=True,
        metadata={"description": "What was ordered.", "example": ORDER_ITEMS_EXAMPLE},
    )
    total = Whole(
        0,
        MAX_ITEMS * MAX_QUANTITY * MAX_PRICE,
        required=True,
        metadata={
            "description": "What it costs in all, in minor units: 7400 is 74.00 USD.",
            "example": 7400,
        },
    )
    currency = fields.String(
        required=True,
        metadata={**CURRENCY_SHOWN, "description": "The currency of all its prices (ISO 4217)."},
    )
    shipping_address = fields.Nested(
        ShippingAddressSchema, required=True, metadata={"description": "Where it goes."}
    )
    history = fields.List(
        fields.Nested(OrderChangeSchema),
        required=True,
        metadata={
            "description": "Every change of its status, oldest first; empty for a new order.",
            "example": [],
        },
    )
    created_at = Timestamp(required=True, metadata=CREATED)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class ShortageSchema(ResponseSchema):
    """A product of which there is not enough."""

    product_id = id_field(PRODUCT_ID)
    requested = Whole(
        1,
        MAX_QUANTITY,
        required=True,
        metadata={"description": "How many were asked for.", "example": 2},
    )
    available = Whole(
        0, MAX_EXACT, required=True, metadata={"description": "How many there are.", "example": 1}
    )


extension_member(
    "products",
    fields.List(
        fields.Nested(ShortageSchema), metadata={"description": "For `out-of-stock` only."}
    ),
)


class OrderQuerySchema(PageQuerySchema):
    """Which orders."""

    status = fields.String(
        validate=STATUS,
        metadata={"description": "Only orders in this status.", "examples": ["pending"]},
    )
    created_after = Timestamp(
        format="iso",
        metadata={
            "description": "Only orders created then or later, such as 2026-01-01T00:00:00Z.",
            "examples": ["2026-01-01T00:00:00Z"],
        },
    )
    created_before = Timestamp(
        format="iso",
        metadata={
            "description": "Only orders created earlier, such as 2027-01-01T00:00:00Z.",
            "examples": ["2027-01-01T00:00:00Z"],
        },
    )


class NextStatusSchema(RequestSchema):
    """The next status."""

    status = fields.String(
        required=True, validate=STATUS, metadata={"description": STATUS_TEXT, "example": "paid"}
    )
