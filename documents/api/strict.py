"""Defines fields that accept exactly what the OpenAPI schema says, with errors that name the accepted values."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

NAMES_SHOWN = 10  # of unknown fields
INPUT_SHOWN_CHARS = 100
ANY_TEXT = r"^[^\u0000]*$"
SOME_TEXT = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields by name: `topk` would otherwise be silently ignored.

    With `ignores_unknown` in its context it ignores them: for clients of older systems, which send more.
    """

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated fields."""
        unknown = [str(name)[:100] for name in data if name not in self.fields] if isinstance(data, dict) else []
        if unknown and not self.context.get("ignores_unknown"):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field; there are {known}."] for name in unknown[:NAMES_SHOWN]}
            )
        return super().to_internal_value(data)


class SelfDescribing(serializers.Field[Any, Any, Any, Any]):
    """A field that adds to its OpenAPI schema."""

    def described(self) -> dict[str, Any]:
        """Return the keys to add to its OpenAPI schema."""
        raise NotImplementedError


class SelfDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Adds `described()` to the schema of a field; importing this module registers it."""

    target_class = "documents.api.strict.SelfDescribing"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the field's schema."""
        found = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**found, **self.target.described()}


class TextField(SelfDescribing, serializers.CharField):
    """A string; numbers are refused."""

    def described(self) -> dict[str, Any]:
        """Return a pattern that refuses NUL, and white space alone unless the field may be blank."""
        return {"pattern": ANY_TEXT if self.allow_blank else SOME_TEXT}

    def to_internal_value(self, data: Any) -> str:
        """Return the text without white space around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class NumberField(serializers.IntegerField):
    """A whole number; `"5"` and `true` are refused."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ValidationError for other types."""
        if isinstance(data, bool | str):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class SwitchField(serializers.BooleanField):
    """true or false; `1` and `"yes"` are refused."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean. Raises ValidationError for other types."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("Write true or false.")
        return data


class ChoiceField(serializers.ChoiceField):
    """One of several values. The error names them."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the value. Raises ValidationError that names the allowed ones."""
        for known in self.choices:
            if data == known and type(data) is type(known):
                return known
        given = f'"{data[:INPUT_SHOWN_CHARS]}"' if isinstance(data, str) else "This"
        raise serializers.ValidationError(f"{given} is not possible here; write {_any_of(list(self.choices))}.")


def _any_of(values: list[Any]) -> str:
    """Return `a`, `a or b`, or `a, b or c`."""
    names = [str(value) for value in values]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
