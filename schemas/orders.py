"""Orders."""

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates

from models.orders import MAX_ITEMS, MAX_QUANTITY, OrderStatus
from models.products import MAX_PRICE
from schemas.base import RequestSchema, ResponseSchema, Text, Timestamp, Whole, text
from schemas.pages import PageQuerySchema
from schemas.products import PRODUCT_ID

STATUS = validate.OneOf([status.value for status in OrderStatus])
COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z", error="Must be an ISO 3166-1 code, such as US.")
USER_EXAMPLE = "user_01kj6zv8m4f5tbq0c9xn2hd7ea"
ADDRESS_EXAMPLE = {
    "street": "123 Main St",
    "city": "San Francisco",
    "state": "CA",
    "zip": "94102",
}
NEW_ORDER_EXAMPLE = {
    "items": [{"product_id": "abc", "quantity": 2}, {"product_id": "def", "quantity": 1}],
    "shipping_address": ADDRESS_EXAMPLE,
}
# What that order comes to with the demo products.
ORDER_ITEMS_EXAMPLE = [
    {"product_id": "abc", "quantity": 2, "unit_price": 1250},
    {"product_id": "def", "quantity": 1, "unit_price": 4900},
]


class ShippingAddressSchema(RequestSchema):
    """Where an order goes."""

    street = text(200, required=True, metadata={"example": "123 Main St"})
    city = text(100, required=True, metadata={"example": "San Francisco"})
    state = text(100, required=True, metadata={"example": "CA"})
    zip = text(20, required=True, metadata={"example": "94102"})
    country = Text(validate=COUNTRY, metadata={"description": "ISO 3166-1.", "example": "US"})


class NewOrderItemSchema(RequestSchema):
    """How many of which product."""

    product_id = Text(required=True, validate=PRODUCT_ID, metadata={"example": "abc"})
    quantity = Whole(1, MAX_QUANTITY, required=True, metadata={"example": 2})


class NewOrderSchema(RequestSchema):
    """What is ordered, and where it goes."""

    items = fields.List(
        fields.Nested(NewOrderItemSchema),
        required=True,
        validate=validate.Length(1, MAX_ITEMS),
        metadata={"description": "Each product once."},
    )
    shipping_address = fields.Nested(ShippingAddressSchema, required=True)

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

    product_id = fields.String(required=True, metadata={"example": "abc"})
    quantity = Whole(1, MAX_QUANTITY, required=True, metadata={"example": 2})
    unit_price = Whole(
        0,
        MAX_PRICE,
        required=True,
        metadata={"description": "Minor units, at the moment of ordering.", "example": 1250},
    )


class OrderChangeSchema(ResponseSchema):
    """A step of an order from one status to the next."""

    from_status = fields.String(
        required=True, data_key="from", validate=STATUS, metadata={"example": "pending"}
    )
    to_status = fields.String(
        required=True, data_key="to", validate=STATUS, metadata={"example": "paid"}
    )
    changed_by = fields.String(
        required=True,
        data_key="by",
        metadata={"description": "The user who did it.", "example": USER_EXAMPLE},
    )
    changed_at = Timestamp(
        required=True, data_key="at", metadata={"example": "2026-02-10T14:30:00Z"}
    )


class OrderSchema(ResponseSchema):
    """An order."""

    id = fields.String(required=True, metadata={"example": "order_01kj6zv8m4f5tbq0c9xn2hd7ea"})
    user_id = fields.String(required=True, metadata={"example": USER_EXAMPLE})
    status = fields.String(required=True, validate=STATUS, metadata={"example": "pending"})
    items = fields.List(
        fields.Nested(OrderItemSchema), required=True, metadata={"example": ORDER_ITEMS_EXAMPLE}
    )
    total = Whole(
        0,
        MAX_ITEMS * MAX_QUANTITY * MAX_PRICE,
        required=True,
        metadata={"description": "Minor units of the currency.", "example": 7400},
    )
    currency = fields.String(required=True, metadata={"description": "ISO 4217.", "example": "USD"})
    shipping_address = fields.Nested(ShippingAddressSchema, required=True)
    history = fields.List(
        fields.Nested(OrderChangeSchema),
        required=True,
        metadata={"description": "Every change of its status, in the order of time."},
    )
    created_at = Timestamp(required=True, metadata={"example": "2026-02-10T14:30:00Z"})
    updated_at = Timestamp(required=True, metadata={"example": "2026-02-10T14:30:00Z"})


class OrderQuerySchema(PageQuerySchema):
    """Which orders."""

    status = fields.String(validate=STATUS, metadata={"description": "Only orders in this status."})
    created_after = Timestamp(
        format="iso", metadata={"description": "Only orders made then or later (RFC 3339)."}
    )
    created_before = Timestamp(
        format="iso", metadata={"description": "Only orders made earlier (RFC 3339)."}
    )


class NextStatusSchema(RequestSchema):
    """The next status."""

    status = fields.String(required=True, validate=STATUS, metadata={"example": "paid"})
