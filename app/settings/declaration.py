"""Declaration of a setting, and the schema that parses the variables of all settings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, pre_load

from app.settings.files import stripped


def setting(field: fields.Field, default: Any, description: str) -> Any:
    """Declare a setting: parser, default and description for the reference tables."""
    return dataclasses.field(default=default, metadata={"field": field, "description": description})


def schema_of(settings: type, only: tuple[str, ...] | None = None) -> Schema:
    """Return the schema that parses the environment variables, by default those of all settings."""
    declared = {each.name.upper(): each.metadata["field"] for each in dataclasses.fields(settings)}
    return _EnvironmentSchema.from_dict(declared)(only=only)


class _EnvironmentSchema(Schema):
    """Parses text to typed values; for a missing or empty variable, the default applies."""

    @pre_load
    def known(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        given = stripped(data)
        return {name: given[name] for name in self.fields if given.get(name) not in (None, "")}
