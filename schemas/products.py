"""Schemas of the product catalogue."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema
from marshmallow_sqlalchemy import auto_field

from models.products import MAX_PRICE, MAX_STOCK, Product
from schemas.base import (
    CREATED,
    MAX_EXACT,
    UPDATED,
    QueryBoolean,
    QueryInteger,
    RequestSchema,
    RowSchema,
    StrictInteger,
    Text,
    Timestamp,
    text,
)
from schemas.pages import PageQuerySchema

PRODUCT_ID = {
    "description": "Id of the product: chosen by the merchant, or generated.",
    "pattern": r"^[A-Za-z0-9_-]{1,64}\Z",
    "example": "abc",
}
IS_PRODUCT_ID = validate.Regexp(
    PRODUCT_ID["pattern"], error="Must be 1 to 64 characters from A-Z, a-z, 0-9, _ and -."
)
PRICE = {
    "description": "Price in minor units of the currency: 1999 is 19.99 USD, or 1,999 JPY.",
    "example": 1250,
}
CURRENCY = validate.Regexp(r"^[A-Z]{3}\Z", error="Must be an ISO 4217 code, such as USD.")
CURRENCY_SHOWN = {
    "description": "Currency of the price (ISO 4217).",
    "pattern": CURRENCY.regex.pattern,
    "example": "USD",
}
NAME = {"description": "Name of the product.", "example": "Coffee mug"}
DESCRIPTION = {"description": "Description of the product.", "example": "Stoneware, 350 ml."}
SORTS = ("newest", "price", "-price", "name")
STOCK = {"description": "Number of units that can be ordered.", "example": 100}
STOCK_LOW = {
    "description": "The event `product.stock_low` is recorded when the stock falls to this number "
    "or below; null for no event.",
    "example": 10,
}


def stock_low_threshold(**options: Any) -> StrictInteger:
    return StrictInteger(0, MAX_STOCK, allow_none=True, metadata=STOCK_LOW, **options)


class ProductSchema(RowSchema):
    """A product."""

    class Meta(RowSchema.Meta):
        model = Product

    id = auto_field(required=True, metadata=PRODUCT_ID)
    name = auto_field(metadata=NAME)
    description = auto_field(required=True, metadata=DESCRIPTION)
    price = StrictInteger(0, MAX_PRICE, required=True, metadata=PRICE)
    currency = auto_field(metadata=CURRENCY_SHOWN)
    stock = StrictInteger(0, MAX_EXACT, required=True, metadata=STOCK)
    stock_low_threshold = stock_low_threshold(required=True)
    created_at = Timestamp(required=True, metadata=CREATED)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class ProductChangeSchema(RequestSchema):
    """Changes of a product; omitted fields keep their values."""

    name = text(200, metadata=NAME)
    description = text(2000, shortest=0, metadata=DESCRIPTION)
    price = StrictInteger(0, MAX_PRICE, metadata=PRICE)
    currency = Text(validate=CURRENCY, metadata=CURRENCY_SHOWN)
    stock = StrictInteger(0, MAX_STOCK, metadata=STOCK)
    stock_low_threshold = stock_low_threshold()


class NewProductSchema(RequestSchema):
    """A new product."""

    id = Text(
        validate=IS_PRODUCT_ID,
        metadata={"description": "Your own id; generated if omitted.", "example": "mug-350"},
    )
    name = text(200, required=True, metadata=NAME)
    description = text(2000, shortest=0, load_default="", metadata=DESCRIPTION)
    price = StrictInteger(0, MAX_PRICE, required=True, metadata=PRICE)
    currency = Text(required=True, validate=CURRENCY, metadata=CURRENCY_SHOWN)
    stock = StrictInteger(0, MAX_STOCK, required=True, metadata=STOCK)
    stock_low_threshold = stock_low_threshold(load_default=None)


class ProductQuerySchema(PageQuerySchema):
    """Search, filters and sort order of the list of products."""

    q = text(
        200,
        metadata={
            "description": "Only products with all these words in their name or description. "
            "The last word can be the beginning of a word.",
            "examples": ["coffee mu"],
        },
    )
    currency = Text(
        validate=CURRENCY,
        metadata={
            "description": "Only products with this currency (ISO 4217).",
            "examples": ["USD"],
        },
    )
    price_min = QueryInteger(
        validate=validate.Range(0, MAX_PRICE),
        metadata={
            "description": "Lowest price, in minor units; requires `currency`.",
            "examples": [500],
        },
    )
    price_max = QueryInteger(
        validate=validate.Range(0, MAX_PRICE),
        metadata={
            "description": "Highest price, in minor units; requires `currency`.",
            "examples": [2000],
        },
    )
    in_stock = QueryBoolean(
        metadata={
            "description": "`true`: only products in stock. `false`: all products.",
            "examples": [True],
        },
    )
    sort = fields.String(
        load_default="newest",
        validate=validate.OneOf(SORTS),
        metadata={
            "description": "Order of the list: newest first, lowest price first, highest price "
            "first, or by name. A sort by price requires `currency`.",
            "examples": ["price"],
        },
    )

    @validates_schema
    def require_currency(self, filters: dict[str, Any], **_: Any) -> None:
        """Raise an error for a price filter or a sort by price without a currency."""
        compared = {"price_min", "price_max"} & filters.keys() or "price" in filters["sort"]
        if compared and "currency" not in filters:
            text = "Required with price_min, price_max and a sort by price."
            raise ValidationError(text, "currency")
