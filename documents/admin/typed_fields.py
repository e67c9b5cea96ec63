"""Form fields for what is kept as JSON: a line for each value, and JSON for those who write it."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from rest_framework.exceptions import ValidationError as RefusedByApi

from documents.api.fields import MetadataField


class MetadataLines(forms.CharField):
    """Metadata as lines of `name: value`. A value that is JSON is taken as such; a whole JSON object will do, too.

    What may be stored is decided by the field of the API.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        options.setdefault(
            "help_text",
            'One per line, as name: value, for example department: Finance, year: 2024 or tags: ["tax", "2024"]. '
            "Questions can filter by it.",
        )
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        """Return the lines of a stored object."""
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{name}: {_as_text(item)}" for name, item in value.items())

    def to_python(self, value: Any) -> Any:
        """Return the object. Raises ValidationError for a line that is none, and for what the API would refuse."""
        text = super().to_python(value) or ""
        try:
            return MetadataField().to_internal_value(text if text.startswith("{") else _object_of(text))
        except RefusedByApi as refused:
            raise ValidationError([str(each) for each in refused.detail]) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether something else is meant, however it is written."""
        try:
            return bool(self.to_python(data) != (initial or {}))
        except ValidationError:
            return True


def _object_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not name:
            raise ValidationError(f"“{line[:60]}” has no name before a colon: write name: value.")
        found[name] = _value_of(value)
    return found


def _value_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _as_text(value: Any) -> str:
    """Return a value as it is read again: a text that would be taken for something else is quoted."""
    if isinstance(value, str) and "\n" not in value and value == value.strip() and isinstance(_value_of(value), str):
        return value if not value.startswith('"') else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)
