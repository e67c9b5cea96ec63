"""Checks the filters of a question, and turns them into a condition on documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from ragsite.errors import InvalidInput

VALUES_MAX = 100  # documents, or keys of metadata
TEXT_MAX_CHARS = 1000


def condition_of(filters: Mapping[str, Any] | None) -> Q | None:
    """Return the condition on documents that filters stand for; None: no filters.

    `document`: an id or several. `source`: where the document came from, exactly. `metadata`: keys and the scalars
    they must have. `language`: that of the corpus. Raises InvalidInput that names the field.
    """
    if not filters:
        return None
    if not isinstance(filters, Mapping):
        raise InvalidInput(fields={"filters": "Write an object, such as {'source': 'handbook.pdf'}."})
    condition = Q()
    for name, value in filters.items():
        reader = READERS.get(name)
        if reader is None:
            known = ", ".join(sorted(READERS))
            raise InvalidInput(fields={"filters": f"There is no filter {str(name)[:100]!r}; use {known}."})
        condition &= reader(f"filters.{name}", value)
    return condition


def filters_schema() -> dict[str, Any]:
    """Return the JSON schema of the filters that `condition_of` takes."""
    text = {"type": "string", "minLength": 1, "maxLength": TEXT_MAX_CHARS, "pattern": r"^[^\u0000]*$"}
    one_id = {"type": "string", "format": "uuid"}
    ids = {"type": "array", "items": one_id, "minItems": 1, "maxItems": VALUES_MAX}
    number = {"type": "number", "minimum": -(2**53), "maximum": 2**53}
    metadata = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": VALUES_MAX,
        "propertyNames": text,
        "additionalProperties": {"anyOf": [text, number, {"type": ["boolean", "null"]}]},
    }
    properties = {"document": {"anyOf": [one_id, ids]}, "source": text, "language": text, "metadata": metadata}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _documents(field: str, value: object) -> Q:
    values = value if isinstance(value, list | tuple) else [value]
    if not 0 < len(values) <= VALUES_MAX:
        raise InvalidInput(fields={field: f"Name 1 to {VALUES_MAX} documents."})
    return Q(pk__in=[_uuid(field, each) for each in values])


def _uuid(field: str, value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(_text(field, value))
    except ValueError as exc:
        raise InvalidInput(fields={field: "A document's id is a UUID."}) from exc


def _source(field: str, value: object) -> Q:
    return Q(source=_text(field, value))


def _language(field: str, value: object) -> Q:
    return Q(corpus__language=_text(field, value).lower())


def _metadata(field: str, value: object) -> Q:
    if not isinstance(value, Mapping) or not 0 < len(value) <= VALUES_MAX:
        raise InvalidInput(fields={field: f"Write an object with 1 to {VALUES_MAX} keys."})
    wanted = {_text(field, key): _scalar(f"{field}.{str(key)[:100]}", each) for key, each in value.items()}
    return Q(metadata__contains=wanted)


def _scalar(field: str, value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        return _text(field, value)
    raise InvalidInput(fields={field: "Write a text, a number, true, false or null."})


def _text(field: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX_CHARS:
        raise InvalidInput(fields={field: f"Write a text of 1 to {TEXT_MAX_CHARS} characters."})
    # Postgres stores neither NUL nor lone surrogates, so no stored text can be equal to them.
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidInput(fields={field: "There is a character in it that no text has."})
    return value


READERS: dict[str, Callable[[str, object], Q]] = {
    "document": _documents,
    "language": _language,
    "metadata": _metadata,
    "source": _source,
}
