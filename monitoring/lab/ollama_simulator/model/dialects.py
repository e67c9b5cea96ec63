"""Formats of answers: the native generate and chat forms, streamed line by line or whole."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from monitoring.lab.ollama_simulator.http.durations import nanoseconds, rfc3339
from monitoring.lab.ollama_simulator.http.streaming import NOW
from monitoring.lab.ollama_simulator.http.wire import JSON_UTF8, as_chunk
from monitoring.lab.ollama_simulator.model.engine import go_json

NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Outcome:
    """A finished generation."""

    text: str
    thinking: str
    done_reason: str  # empty: ended without done:true
    prompt_tokens: int
    answer_tokens: int
    load_seconds: float
    prompt_seconds: float
    answer_seconds: float
    total_seconds: float

    def counters(self) -> dict[str, int]:
        """Return the counters of the last object; those that are zero are left out."""
        counts = {
            "total_duration": nanoseconds(self.total_seconds),
            "load_duration": nanoseconds(self.load_seconds),
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": nanoseconds(self.prompt_seconds),
            "eval_count": self.answer_tokens,
            "eval_duration": nanoseconds(self.answer_seconds),
        }
        return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True)
class Token:
    """One piece of an answer, or of what the model thinks before it."""

    text: str
    is_thinking: bool = False


class Dialect(ABC):
    """One way of writing answers. Everything comes as HTTP chunks, except for `whole`."""

    stream_type = NDJSON
    whole_type = JSON_UTF8

    def __init__(self, model: str) -> None:
        self.model = model

    @abstractmethod
    def chunks(self, tokens: tuple[Token, ...]) -> Sequence[bytes]:
        """Return one chunk per token; they carry the time NOW."""

    @abstractmethod
    def ending(self, outcome: Outcome) -> bytes:
        """Return the chunks after the last token of a complete answer."""

    @abstractmethod
    def error(self, text: str) -> bytes:
        """Return the chunk that tells of an error after the first token."""

    @abstractmethod
    def whole(self, outcome: Outcome) -> bytes:
        """Return the body of an answer that is not streamed."""


class NativeDialect(Dialect):
    """Lines of JSON; generate and chat differ in where the text stands."""

    kind = ""

    def chunks(self, tokens: tuple[Token, ...]) -> Sequence[bytes]:
        """Return one line per token."""
        return _native_chunks(type(self), self.model, tokens)

    def ending(self, outcome: Outcome) -> bytes:
        """Return the line with the counters."""
        return as_chunk(self._last("", "", outcome) + b"\n")

    def error(self, text: str) -> bytes:
        """Return an error line."""
        return as_chunk(go_json({"error": text}) + b"\n")

    def whole(self, outcome: Outcome) -> bytes:
        """Return one object."""
        return self._last(outcome.text, outcome.thinking, outcome)

    def state(self, done_reason: str) -> bytes:
        """Return the reply to a request that only loads or unloads."""
        now = rfc3339(time.time())
        return go_json({**self.piece(self.model, now, "", ""), "done": True, "done_reason": done_reason})

    def _last(self, text: str, thinking: str, outcome: Outcome) -> bytes:
        line = {**self.piece(self.model, rfc3339(time.time()), text, thinking), "done": bool(outcome.done_reason)}
        if outcome.done_reason:
            line |= {"done_reason": outcome.done_reason, **self.context(outcome), **outcome.counters()}
        return go_json(line)

    @staticmethod
    def piece(model: str, now: str, text: str, thinking: str) -> dict[str, Any]:
        """Return an object up to its `done`."""
        raise NotImplementedError

    def context(self, outcome: Outcome) -> dict[str, Any]:
        """Return the `context` field, where there is one."""
        return {}


class ChatDialect(NativeDialect):
    """/api/chat"""

    @staticmethod
    def piece(model: str, now: str, text: str, thinking: str) -> dict[str, Any]:
        """Return a chat object."""
        message = {"role": "assistant", "content": text} | ({"thinking": thinking} if thinking else {})
        return {"model": model, "created_at": now, "message": message}


class GenerateDialect(NativeDialect):
    """/api/generate"""

    def __init__(self, model: str, *, raw: bool = False) -> None:
        super().__init__(model)
        self._raw = raw

    @staticmethod
    def piece(model: str, now: str, text: str, thinking: str) -> dict[str, Any]:
        """Return a generate object."""
        spoken = {"response": text} | ({"thinking": thinking} if thinking else {})
        return {"model": model, "created_at": now, **spoken}

    def context(self, outcome: Outcome) -> dict[str, Any]:
        """Return made-up token numbers, as many as the prompt and the answer have."""
        return {} if self._raw else {"context": list(range(1, outcome.prompt_tokens + outcome.answer_tokens + 1))}


@lru_cache(maxsize=256)
def _native_chunks(dialect: type[NativeDialect], model: str, tokens: tuple[Token, ...]) -> Sequence[bytes]:
    """Return the chunks of an answer; kept, because benchmarks send the same one again and again."""
    now = NOW.decode()
    return [
        as_chunk(
            go_json(
                {
                    **dialect.piece(
                        model, now, "" if token.is_thinking else token.text, token.text if token.is_thinking else ""
                    ),
                    "done": False,
                }
            )
            + b"\n"
        )
        for token in tokens
    ]
