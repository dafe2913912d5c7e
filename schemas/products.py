"""The catalogue."""

from marshmallow import validate
from marshmallow_sqlalchemy import auto_field

from models.products import MAX_PRICE, MAX_STOCK, Product
from schemas.base import (
    CREATED,
    MAX_EXACT,
    UPDATED,
    RequestSchema,
    RowSchema,
    Text,
    Timestamp,
    Whole,
    text,
)
from schemas.pages import PageQuerySchema

PRODUCT_ID = {
    "description": "The id of the product: the merchant's own, or one that was made.",
    "pattern": r"^[A-Za-z0-9_-]{1,64}\Z",
    "example": "abc",
}
IS_PRODUCT_ID = validate.Regexp(
    PRODUCT_ID["pattern"], error="Must be 1 to 64 of A-Z, a-z, 0-9, _ and -."
)
PRICE = "Minor units of the currency: 1999 is 19.99 USD, and ¥1,999."
CURRENCY = validate.Regexp(r"^[A-Z]{3}\Z", error="Must be an ISO 4217 code, such as USD.")
CURRENCY_SHOWN = {
    "description": "The currency of the price (ISO 4217).",
    "pattern": CURRENCY.regex.pattern,
    "example": "USD",
}
NAME = {"description": "What it is called.", "example": "Coffee mug"}
DESCRIPTION = {"description": "What there is to say of it.", "example": "Stoneware, 350 ml."}
STOCK = {"description": "Pieces that can be ordered.", "example": 100}


class ProductSchema(RowSchema):
    """A product."""

    class Meta(RowSchema.Meta):
        model = Product

    id = auto_field(required=True, metadata=PRODUCT_ID)
    name = auto_field(metadata=NAME)
    description = auto_field(required=True, metadata=DESCRIPTION)
    price = Whole(0, MAX_PRICE, required=True, metadata={"description": PRICE, "example": 1250})
    currency = auto_field(metadata=CURRENCY_SHOWN)
    stock = Whole(0, MAX_EXACT, required=True, metadata=STOCK)
    created_at = Timestamp(required=True, metadata=CREATED)
    updated_at = Timestamp(required=True, metadata=UPDATED)


class ProductChangeSchema(RequestSchema):
    """What changes of a product; what is left out stays."""

    name = text(200, metadata=NAME)
    description = text(2000, shortest=0, metadata=DESCRIPTION)
    price = Whole(0, MAX_PRICE, metadata={"description": PRICE, "example": 1250})
    currency = Text(validate=CURRENCY, metadata=CURRENCY_SHOWN)
    stock = Whole(0, MAX_STOCK, metadata=STOCK)


class NewProductSchema(RequestSchema):
    """A new product."""

    id = Text(
        validate=IS_PRODUCT_ID,
        metadata={"description": "The merchant's own id; made if left out.", "example": "mug-350"},
    )
    name = text(200, required=True, metadata=NAME)
    description = text(2000, shortest=0, load_default="", metadata=DESCRIPTION)
    price = Whole(0, MAX_PRICE, required=True, metadata={"description": PRICE, "example": 1250})
    currency = Text(required=True, validate=CURRENCY, metadata=CURRENCY_SHOWN)
    stock = Whole(0, MAX_STOCK, required=True, metadata=STOCK)


class ProductQuerySchema(PageQuerySchema):
    """Which products: those for sale, newest first."""
