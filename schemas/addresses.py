"""Schemas of shipping addresses."""

from marshmallow import validate

from schemas.base import RequestSchema, Text, text

COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z", error="Must be an ISO 3166-1 code, such as US.")


class ShippingAddressSchema(RequestSchema):
    """A shipping address."""

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
            "description": "Country (ISO 3166-1 alpha-2). Recommended: without it, an address "
            "outside the seller's country is ambiguous.",
            "example": "US",
        },
    )
