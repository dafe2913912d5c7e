"""Fast base class of response schemas, for a subset of the features of marshmallow."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any

import orjson
from marshmallow import Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP


class FastSchema(Schema):
    """Dumps rows or dicts that have a value for every field.

    For each field of each row, marshmallow looks for defaults, dotted names, callables and hooks. A
    page of orders has hundreds of fields. FastSchema does not support these features: a schema that
    uses one raises a TypeError at import. See docs/decisions/0011-fast-schema.md.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        check_supported(self)
        fields_ = self.dump_fields.items()
        names = [field.attribute or name for name, field in fields_]
        # A getter of one name returns no tuple, so repeat the first name; zip in `dump` drops it.
        self._of_row = attrgetter(*names, names[0])
        self._of_dict = itemgetter(*names, names[0])
        self._keys = [field.data_key or name for name, field in fields_]
        converted = zip(self._keys, map(conversion, self.dump_fields.values()), strict=True)
        self._conversions = [(key, convert) for key, convert in converted if convert]

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        if many:
            raise TypeError("FastSchema dumps one object; declare a list as a page or a field.")
        values = self._of_dict(obj) if isinstance(obj, dict) else self._of_row(obj)
        dumped = dict(zip(self._keys, values))  # noqa: B905 (strict is slower)
        for key, convert in self._conversions:
            dumped[key] = convert(dumped[key])
        return dumped


# Fields whose values need no conversion: the JSON encoder writes times and dates as RFC 3339.
PLAIN = (fields.String, fields.Integer, fields.Boolean, fields.AwareDateTime, fields.Date)


def check_supported(schema: Schema) -> None:
    """Raise a TypeError if the schema uses a feature that FastSchema does not support."""
    hooks = schema._hooks[PRE_DUMP] + schema._hooks[POST_DUMP]
    if schema.many or hooks or type(schema).get_attribute is not Schema.get_attribute:
        raise TypeError(f"{type(schema).__name__}: no many, hooks or get_attribute in FastSchema.")
    for name, field in schema.dump_fields.items():
        if not is_supported(field):
            raise TypeError(f"{type(schema).__name__}.{name}: FastSchema cannot dump {field!r}.")


def is_supported(field: fields.Field) -> bool:
    if field.dump_default is not missing or "." in (field.attribute or ""):
        return False
    if type(field) is fields.List:
        return is_supported(field.inner)
    if type(field) is fields.Dict:
        plain_values = field.value_field is None or type(field.value_field) is fields.String
        return field.key_field is None and plain_values
    if type(field) is fields.Nested:
        return not field.many
    own_format = getattr(field, "format", None) not in {None, "iso"}
    own_format = own_format or getattr(field, "as_string", False)
    own_method = type(field)._serialize not in {kind._serialize for kind in PLAIN}
    return isinstance(field, PLAIN) and not own_format and not own_method


def conversion(field: fields.Field) -> Callable[[Any], Any] | None:
    """Return the function that converts values of the field to JSON; None if not needed."""
    if isinstance(field, fields.List):
        each = conversion(field.inner)
        return partial(convert_all, each) if each else None
    if isinstance(field, fields.Nested):
        return partial(convert_one, field.schema.dump)
    return None


# An `orjson.Fragment` is JSON from PostgreSQL; the encoder copies it into the response.


def convert_one(convert: Callable[[Any], Any], value: Any) -> Any:
    return value if value is None or isinstance(value, orjson.Fragment) else convert(value)


def convert_all(convert: Callable[[Any], Any], values: Any) -> Any:
    if isinstance(values, orjson.Fragment):
        return values
    return [convert(value) for value in values or ()]
