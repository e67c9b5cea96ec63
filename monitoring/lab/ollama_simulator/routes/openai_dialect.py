"""Formats of `/v1` answers: server-sent events, or one object."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from monitoring.lab.ollama_simulator.http.wire import as_chunk
from monitoring.lab.ollama_simulator.model.dialects import Dialect, Outcome, Token
from monitoring.lab.ollama_simulator.model.engine import go_json

JSON = "application/json"


class OpenAiDialect(Dialect):
    """Server-sent events, the last of them `[DONE]`; an error in mid-stream is swallowed."""

    stream_type = "text/event-stream"
    whole_type = JSON

    def __init__(self, model: str, *, chat: bool, with_usage: bool) -> None:
        super().__init__(model)
        self._chat = chat
        self._with_usage = with_usage
        self._id = f"{'chatcmpl' if chat else 'cmpl'}-{random.randrange(999)}"  # noqa: S311 - no secret
        self._created = int(time.time())

    def chunks(self, tokens: tuple[Token, ...]) -> Sequence[bytes]:
        """Return one event per token; the first carries the role."""
        return [self._event(self._delta(token.text, first=place == 0)) for place, token in enumerate(tokens)]

    def ending(self, outcome: Outcome) -> bytes:
        """Return the event with the reason, the usage if it was asked for, and `[DONE]`."""
        events = self._event(self._delta("", reason=outcome.done_reason))
        if self._with_usage:
            events += self._event([], usage=_usage(outcome))
        return events + as_chunk(b"data: [DONE]\n\n")

    def error(self, text: str) -> bytes:
        """Return what is left of an error: an empty event without a model."""
        return self._event(self._delta(""), model="")

    def whole(self, outcome: Outcome) -> bytes:
        """Return one object."""
        choice: dict[str, Any] = {"index": 0}
        if self._chat:
            choice["message"] = {"role": "assistant", "content": outcome.text}
        else:
            choice["text"] = outcome.text
        choice["finish_reason"] = outcome.done_reason or None
        return go_json({**self._object("chat.completion", [choice], self.model), "usage": _usage(outcome)}) + b"\n"

    def _delta(self, text: str, *, first: bool = False, reason: str | None = None) -> list[dict[str, Any]]:
        if not self._chat:
            return [{"text": text, "index": 0, "finish_reason": reason}]
        role = {"role": "assistant"} if first else {}
        return [{"index": 0, "delta": {**role, "content": text}, "finish_reason": reason}]

    def _event(self, choices: list[dict[str, Any]], *, model: str | None = None, usage: Any = None) -> bytes:
        event = self._object("chat.completion.chunk", choices, self.model if model is None else model)
        return as_chunk(b"data: " + go_json(event | ({"usage": usage} if usage else {})) + b"\n\n")

    def _object(self, chat_kind: str, choices: list[dict[str, Any]], model: str) -> dict[str, Any]:
        """Return the object; chat and text completions have its fields in different orders."""
        made_by = {"model": model, "system_fingerprint": "fp_ollama"}
        head = {"id": self._id, "object": chat_kind if self._chat else "text_completion", "created": self._created}
        return {**head, **made_by, "choices": choices} if self._chat else {**head, "choices": choices, **made_by}


def _usage(outcome: Outcome) -> dict[str, int]:
    asked, answered = outcome.prompt_tokens, outcome.answer_tokens
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
