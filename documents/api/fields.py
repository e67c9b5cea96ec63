"""Defines serializer fields that refuse with 400 what the database could not store."""

from __future__ import annotations

import json
import math
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

METADATA_MAX_CHARS = 10_000
METADATA_MAX_KEYS = 100
KEY_MAX_CHARS = 100
LIST_MAX_ITEMS = 100
INTEGER_MAX = 2**53  # what JSON numbers hold exactly everywhere

_SHAPE = "Give a JSON object: names of up to 100 characters with texts, numbers, true, false, null, or lists of them."


@extend_schema_field(OpenApiTypes.OBJECT)
class MetadataField(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """A flat JSON object, as an object or (in a form) as its text."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the object. Raises ValidationError for other types, too large objects, and what can't be stored."""
        value = _parsed(data) if isinstance(data, str) else data
        if not isinstance(value, dict) or len(value) > METADATA_MAX_KEYS:
            raise serializers.ValidationError(_SHAPE)
        if not all(isinstance(key, str) and 0 < len(key) <= KEY_MAX_CHARS and _is_text(key) for key in value):
            raise serializers.ValidationError(_SHAPE)
        if not all(_is_value(item) for item in value.values()):
            raise serializers.ValidationError(_SHAPE)
        if len(json.dumps(value)) > METADATA_MAX_CHARS:
            raise serializers.ValidationError(f"The metadata is longer than {METADATA_MAX_CHARS} characters.")
        return value

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the stored object unchanged."""
        return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if len(text) <= METADATA_MAX_CHARS else None
    except (ValueError, RecursionError):
        return None


def _is_value(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= LIST_MAX_ITEMS and all(_is_scalar(item) for item in value)
    return _is_scalar(value)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):  # True and False too
        return abs(value) <= INTEGER_MAX
    return value is None


def _is_text(text: str) -> bool:
    """Return whether Postgres can store it: no NUL, no lone surrogates."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
