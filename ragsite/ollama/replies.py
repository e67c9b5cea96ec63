"""Parses and validates replies of a model. A reply with status 200 can still be a failure."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ragsite.errors import BrokenReply, OllamaError
from ragsite.ollama.failures import error_of_text, parse_object, text_of_error


def vectors_of(body: bytes, expected: int) -> list[list[float]]:
    """Return the vectors of an embed reply: as many as asked for, of one length, finite, none of them zero.

    Raises BrokenReply for anything else: such a vector would be stored, and never be found.
    """
    vectors = parse_object(body, parse_int=float).get("embeddings")
    if not isinstance(vectors, list) or len(vectors) != expected:
        found = len(vectors) if isinstance(vectors, list) else "no"
        raise BrokenReply(f"The model server sent {found} vectors for {expected} texts.")
    lengths = set()
    for vector in vectors:
        if not isinstance(vector, list) or not vector or set(map(type, vector)) != {float}:
            raise BrokenReply("The model server sent a vector that is no list of numbers.")
        if not all(map(math.isfinite, vector)):
            raise BrokenReply("The model server sent a vector with infinite numbers, or none at all.")
        if not any(vector):
            raise BrokenReply("The model server sent a vector of zeros.")
        lengths.add(len(vector))
    if len(lengths) > 1:
        raise BrokenReply("The model server sent vectors of different lengths.")
    return vectors


@dataclass
class ChatReply:
    """A streamed answer as far as it has been received."""

    has_text: bool = False
    last: dict[str, Any] | None = None  # the object with `done: true`

    def read(self, lines: Sequence[bytes]) -> tuple[str, OllamaError | None]:
        """Return the text in these lines, and the error with which they end, if they do."""
        pieces: list[str] = []
        error: OllamaError | None = None
        for item_or_line in _together(lines):
            try:
                item = parse_object(item_or_line) if isinstance(item_or_line, bytes) else item_or_line
                if "error" in item:
                    raise error_of_text(text_of_error(item["error"]), status=500)
                pieces.append(_content_of(item))
            except OllamaError as problem:
                error = problem  # handed back, so that the text before it is not lost
                break
            if item.get("done") is True:
                self.last = item
                break
        text = "".join(pieces)
        self.has_text = self.has_text or bool(text.strip())
        if self.last is not None and not self.has_text and self.done_reason(0) != "length":
            error = BrokenReply("The model server's answer is empty.")
        return text, error

    def done_reason(self, most_tokens: int) -> str:
        """Return why the model stopped. Servers that don't say: "length" if it wrote all tokens it may, else "stop"."""
        told = str((self.last or {}).get("done_reason") or "").lower()
        return told or ("length" if 0 < most_tokens <= self.count("eval_count") else "stop")

    def count(self, name: str) -> int:
        """Return a counter of the last object; Ollama leaves zeros out."""
        value = (self.last or {}).get(name, 0)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _together(lines: Sequence[bytes]) -> Sequence[bytes] | list[dict[str, Any]]:
    """Return the objects of all lines, parsed in one go; the lines themselves when one of them is odd."""
    if len(lines) == 1:
        return lines
    try:
        items = json.loads(str(b"[" + b",".join(lines) + b"]", "utf-8"))
    except (ValueError, RecursionError):
        return lines
    return items if len(items) == len(lines) and all(isinstance(item, dict) for item in items) else lines


def _content_of(item: dict[str, Any]) -> str:
    message = item.get("message")
    content = message.get("content", "") if isinstance(message, dict) else ""
    if not isinstance(content, str):
        raise BrokenReply("The model server sent a piece of an answer that is no text.")
    return content
