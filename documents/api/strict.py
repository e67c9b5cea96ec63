"""Fields of JSON bodies that take what the OpenAPI schema says and nothing else, and errors that say what they take."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

NAMES_SHOWN = 10  # of unknown fields
INPUT_SHOWN_CHARS = 100
ANY_TEXT = r"^[^\u0000]*$"
SOME_TEXT = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it doesn't know, by name: `topk` would otherwise be ignored without a word.

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
    """A field that knows more of its values than its class says."""

    def described(self) -> dict[str, Any]:
        """Return what the OpenAPI schema says of it besides."""
        raise NotImplementedError


class SelfDescription(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Puts that into the schema; importing this module registers it."""

    target_class = "documents.api.strict.SelfDescribing"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the field's schema."""
        found = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**found, **self.target.described()}


class TextField(SelfDescribing, serializers.CharField):
    """A string; a number is none."""

    def described(self) -> dict[str, Any]:
        """Return that it is no white space alone, unless it may be empty."""
        return {"pattern": ANY_TEXT if self.allow_blank else SOME_TEXT}

    def to_internal_value(self, data: Any) -> str:
        """Return the text without white space around it."""
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class NumberField(serializers.IntegerField):
    """A whole number; `"5"` and `true` are none."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if isinstance(data, bool | str):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class SwitchField(serializers.BooleanField):
    """true or false; `1` and `"yes"` are neither."""

    def to_internal_value(self, data: Any) -> bool:
        """Return which."""
        if not isinstance(data, bool):
            raise serializers.ValidationError("Write true or false.")
        return data


class ChoiceField(serializers.ChoiceField):
    """One of some values. The error names them, so that nobody has to look them up."""

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
