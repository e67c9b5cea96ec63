"""Makes a value that fits a JSON Schema, for requests that ask for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monitoring.lab.ollama_simulator.http.refusals import Refusal

DEEPEST = 12


def formatted(text: str, wanted: object) -> str:
    """Return `text` as the request's `format` wants it: bare, as some JSON, or fitting a schema.

    Raises Refusal (500) when `wanted` is neither "json" nor a schema.
    """
    if wanted is None or wanted == "":
        return text
    if wanted == "json":
        return json.dumps({"answer": text}, ensure_ascii=False)
    if isinstance(wanted, dict):
        return json.dumps(fit(wanted, text, wanted), ensure_ascii=False)
    shown = json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
    quoted = json.dumps(shown, ensure_ascii=False)
    raise Refusal(500, f'invalid format: {quoted}; expected "json" or a valid JSON Schema object', from_stream=True)


def fit(schema: Mapping[str, Any], text: str, root: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a value that `schema` allows; texts are filled with `text`."""
    if depth > DEEPEST:
        return None
    for chosen in _choices(schema, root):
        return fit(chosen, text, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "string"
    if kind == "object":
        return {name: fit(each, text, root, depth + 1) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        count = max(1, int(schema.get("minItems", 1)))
        return [fit(schema.get("items", {}), text, root, depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    plain: dict[str, Any] = {"boolean": True, "null": None}
    return plain.get(str(kind), text[: schema.get("maxLength", len(text))])


def _choices(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schema that stands behind a reference or a choice, or nothing."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = root
        for part in reference[2:].split("/"):
            target = target.get(part, {}) if isinstance(target, dict) else {}
        return [target]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            return [schema[word][0]]
    return []
