"""Turns error replies of a host into OllamaError, with a message that says what to do.

`is_fault` decides which errors count against the host. Ollama reports a crashed model as 400, a full
queue as 503 and a wrong address as a redirect, so the status alone tells little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ragsite.errors import (
    BrokenReply,
    CircuitOpen,
    ModelInputTooLong,
    ModelNotFound,
    OllamaBusy,
    OllamaError,
    OllamaMisconfigured,
    OllamaUnavailable,
)

SHOWN_CHARS = 200
BUSY_RETRY_SECONDS = 2.0
CRASHED = re.compile(r"do embedding request|\bEOF\b|connection re(?:set|fused)|tokenize|\bNaN\b", re.IGNORECASE)
BUSY = re.compile(r"maximum pending requests|server busy", re.IGNORECASE)
TOO_LONG = re.compile(
    r"input (?:length )?exceeds|exceed_context_size|exceeds the available context|longer than the context"
)
WRONG_KIND = re.compile(r"does not support|ollama cloud is disabled")
BAD_REQUEST = re.compile(r"must be of type|invalid format|invalid model name|invalid input type")


class WrongKindOfModel(OllamaMisconfigured):
    """This model can't do that; choose another one."""


def is_fault(error: BaseException) -> bool:
    """Return whether `error` speaks against the host; all else is neutral (busy, refused, misconfigured, ours)."""
    return isinstance(error, OllamaUnavailable) and not isinstance(error, CircuitOpen)


def error_of_reply(status: int, headers: Mapping[str, str], body: bytes, *, model: str, url: str) -> OllamaError:
    """Return the error that a reply with another status than 200 means."""
    text = _text_of(body)
    said = f": {text}" if text else "."
    foreign = "html" in headers.get("content-type", "")
    if 300 <= status < 400:
        where = headers.get("location", "")[:SHOWN_CHARS]
        return OllamaMisconfigured(
            f"{url} answers with a redirect to {where!r} instead of a reply; put the address that it leads to into "
            "OLLAMA_BASE_URL (https instead of http, or another path)."
        )
    if status == 405:
        return OllamaMisconfigured(
            f"{url} does not take this request (405); OLLAMA_BASE_URL has a wrong path, or leads to another server."
        )
    if status == 403 and not body.strip():
        return OllamaMisconfigured(
            f"{url} refuses the Host or Origin of our requests (403, empty). Listen on 0.0.0.0 there (OLLAMA_HOST), or "
            "let the proxy send `Host: localhost:11434`."
        )
    if status in (401, 403, 407) and not WRONG_KIND.search(text):
        return OllamaMisconfigured(f"{url} asks for other credentials ({status}){said}")
    if status == 404:
        if foreign or "not found" not in text or "page not found" in text:
            return OllamaMisconfigured(f"{url} has no Ollama API (404); check the path in OLLAMA_BASE_URL.")
        return model_not_found(model, url)
    if status == 429:
        return OllamaBusy(f"{url} limits our requests (429).", retry_after_seconds=_retry_after(headers))
    if status == 413:
        # Ollama itself says 400 to a text that is too long: this is a server before it, and its limit is in bytes.
        return OllamaMisconfigured(
            f"A proxy at {url} takes no request of this size (413); raise its limit of a body's size "
            "(nginx: client_max_body_size)."
        )
    if foreign or status in (502, 504):
        return OllamaUnavailable(f"The model server failed: {url} answers {status}, without a reply from Ollama.")
    return error_of_text(text, status=status, retry_after_seconds=_retry_after(headers))


def error_of_text(text: str, *, status: int, retry_after_seconds: float | None = None) -> OllamaError:
    """Return the error that Ollama's own words mean: of a reply, or of a line in a stream that began with 200."""
    shown = text[:SHOWN_CHARS] or "no reason given"
    if BUSY.search(text):
        return OllamaBusy(
            f"The model server is full: {shown}", retry_after_seconds=retry_after_seconds or BUSY_RETRY_SECONDS
        )
    if TOO_LONG.search(text):
        return ModelInputTooLong(f"The text is longer than the model can take in: {shown}")
    if status == 501 or WRONG_KIND.search(text):
        return WrongKindOfModel(f"This model can't do that; choose another one: {shown}")
    if BAD_REQUEST.search(text):
        return OllamaError(f"The model server did not accept the request: {shown}")
    if 400 <= status < 500 and not CRASHED.search(text):
        return OllamaError(f"The model server did not accept the request ({status}): {shown}")
    return OllamaUnavailable(f"The model server failed: {shown}", retry_after_seconds=retry_after_seconds)


def model_not_found(model: str, url: str) -> ModelNotFound:
    """Return the error that says which command brings the model."""
    return ModelNotFound(
        f"The model server at {url} does not have the model {model!r}; run `ollama pull {model}` there."
    )


def check_headers(headers: Mapping[str, str], url: str) -> None:
    """Raise for a 200 that can't be Ollama's: a web page, or a body in an encoding that we did not ask for."""
    if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise BrokenReply("The model server's reply is compressed, which was not asked for.")
    if "html" in headers.get("content-type", ""):
        raise OllamaMisconfigured(
            f"{url} answers with a web page instead of Ollama's API; OLLAMA_BASE_URL leads to another server."
        )


def parse_object(data: bytes, **options: Any) -> dict[str, Any]:
    """Return the JSON object in `data`. Raises BrokenReply for anything else, however deep or odd."""
    try:
        value = json.loads(str(data, "utf-8"), **options)
    except (ValueError, RecursionError) as error:
        raise BrokenReply("The model server's reply is not JSON.") from error
    if not isinstance(value, dict):
        raise BrokenReply("The model server's reply is not a JSON object.")
    return value


def text_of_error(error: Any) -> str:
    """Return the words of an `error` value: a string, an object, or JSON text inside a string."""
    if isinstance(error, dict):
        return str(error.get("message") or error.get("error") or "").strip()
    if not isinstance(error, str):
        return ""
    if error.lstrip().startswith("{"):
        try:
            inner = json.loads(error)
        except (ValueError, RecursionError):
            return error.strip()
        inner = inner.get("error", inner) if isinstance(inner, dict) else inner
        if isinstance(inner, dict):
            return f"{inner.get('message', '')} {inner.get('type', '')}".strip()
    return error.strip()


def _text_of(body: bytes) -> str:
    """Return what an error reply says: Ollama's `error`, or plain text; nothing for a web page."""
    try:
        return text_of_error(parse_object(body).get("error"))[: 4 * SHOWN_CHARS]
    except BrokenReply:
        text = body.decode("utf-8", "replace").strip()
        return "" if text.startswith("<") else " ".join(text.split())[:SHOWN_CHARS]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    return min(float(value), 300.0) if value.isascii() and value.isdigit() else None
