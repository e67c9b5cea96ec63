"""Reads a request's JSON the way Go does: first value only, keys in any case, Go's own error texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from monitoring.lab.ollama_simulator.http.durations import keep_alive_seconds
from monitoring.lab.ollama_simulator.http.json_faults import explain
from monitoring.lab.ollama_simulator.http.refusals import Refusal

GO_TYPES = {
    "string": "string", "bool": "bool", "int": "int", "map": "map[string]interface {}", "ints": "[]int",
    "messages": "[]api.Message", "tools": "api.Tools", "images": "[]api.ImageData",
}  # fmt: skip

COMMON = {"model": "string", "stream": "bool", "format": "any", "options": "map", "keep_alive": "duration",
          "think": "any", "truncate": "bool", "shift": "bool", "logprobs": "bool", "top_logprobs": "int"}  # fmt: skip
STRUCTS: Mapping[str, Mapping[str, str]] = {
    "EmbedRequest": {"model": "string", "input": "any", "keep_alive": "duration", "truncate": "bool",
                     "dimensions": "int", "options": "map"},
    "EmbeddingRequest": {"model": "string", "prompt": "string", "keep_alive": "duration", "options": "map"},
    "GenerateRequest": {**COMMON, "prompt": "string", "suffix": "string", "system": "string", "template": "string",
                        "context": "ints", "raw": "bool", "images": "images"},
    "ChatRequest": {**COMMON, "messages": "messages", "tools": "tools"},
    "Message": {"role": "string", "content": "string", "thinking": "string", "tool_name": "string"},
    "ShowRequest": {"model": "string", "name": "string", "verbose": "bool", "system": "string", "options": "map"},
    "PullRequest": {"model": "string", "name": "string", "insecure": "bool", "stream": "bool"},
    "DeleteRequest": {"model": "string", "name": "string"},
    "CopyRequest": {"source": "string", "destination": "string"},
}  # fmt: skip

LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
WHITESPACE = " \t\r\n"


class _NotJson(ValueError):
    """A word that Python's decoder takes and JSON does not know."""


def _refuse_constant(word: str) -> None:
    raise _NotJson(word)


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def decode_first_value(body: bytes) -> Any:
    """Return the first JSON value of `body`; what follows it is ignored.

    Raises Refusal (400) with the text that Go's decoder has for it.
    """
    text = body.decode("utf-8", errors="replace")
    start = len(text) - len(text.lstrip(WHITESPACE))
    if start == len(text):
        raise Refusal(400, "missing request body")
    try:
        value, _ = DECODER.raw_decode(text, start)
    except RecursionError:
        raise Refusal(400, "exceeded max depth") from None
    except ValueError:
        raise Refusal(400, explain(text, start)) from None
    return without_surrogates(value) if "\\u" in text else value


def without_surrogates(value: Any) -> Any:
    """Return `value` with lone surrogates replaced, as Go's strings can't hold them."""
    if isinstance(value, str):
        return LONE_SURROGATE.sub("\ufffd", value) if LONE_SURROGATE.search(value) else value
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value


def decode_struct(body: bytes, struct: str) -> dict[str, Any]:
    """Return the known fields of `body`, keyed by their proper names; null and unknown ones are left out."""
    value = decode_first_value(body)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, f"json: cannot unmarshal {_go_kind(value)} into Go value of type api.{struct}")
    return _fields(value, struct, struct)


def _fields(value: Mapping[str, Any], struct: str, shown_as: str) -> dict[str, Any]:
    known = STRUCTS[struct]
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = key if key in known else key.lower()
        if name not in known or item is None:
            continue
        found[name] = _convert(item, known[name], f"{shown_as}.{name}")
    return found


def _convert(item: Any, kind: str, where: str) -> Any:
    """Return `item` as a field of `kind` holds it, or raise Go's complaint."""
    if kind == "any":
        return item
    if kind == "duration":
        return keep_alive_seconds(item)
    if kind == "messages" and isinstance(item, list):
        return [_message(each) for each in item]
    if _fits(item, kind):
        return item
    shown = f"number {item}" if kind == "int" and isinstance(item, float) else _go_kind(item)
    raise Refusal(400, f"json: cannot unmarshal {shown} into Go struct field {where} of type {GO_TYPES[kind]}")


def _fits(item: Any, kind: str) -> bool:
    if kind == "int":
        return isinstance(item, int) and not isinstance(item, bool)
    wanted: dict[str, type] = {"string": str, "bool": bool, "map": dict}
    return isinstance(item, wanted.get(kind, list))


def _message(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise Refusal(400, f"json: cannot unmarshal {_go_kind(item)} into Go value of type api.Message")
    message = _fields(item, "Message", "Message")
    return {**message, "role": str(message.get("role", "")).lower(), "content": message.get("content", "")}


def _go_kind(value: Any) -> str:
    """Return Go's word for the kind of a JSON value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


# What the load-time and sampling options must be; a wrong kind is a 500, an unknown name is ignored.
OPTION_KINDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "num_batch", "num_gpu", "main_gpu",
         "num_thread", "draft_num_predict"), "integer",
    ),
    **dict.fromkeys(
        ("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"),
        "float32",
    ),
    "use_mmap": "boolean",
    "stop": "array",
}  # fmt: skip


def check_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are known, whole numbers cut to integers. Raises Refusal (500) for a wrong kind."""
    checked: dict[str, Any] = {}
    for name, value in options.items():
        kind = OPTION_KINDS.get(name)
        if kind is None or value is None:
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if kind == "array" and isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise Refusal(500, f'option "{name}" must be of an array of strings')
        good = is_number if kind in ("integer", "float32") else isinstance(value, bool if kind == "boolean" else list)
        if not good:
            raise Refusal(500, f'option "{name}" must be of type {kind}')
        checked[name] = int(value) if kind == "integer" else value
    return checked
