"""How long each stage of a question took, for the reply and for the metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from querying.types import Question
from ragsite.metrics import FIRST_TOKEN_SECONDS
from ragsite.performance import observe_stage, recorder


class Timings:
    """The stages so far, in ms."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note the time that the block takes, also when it fails."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.ms[name] = milliseconds_since(started)
            observe_stage(name, self.ms[name] / 1000)

    def first_token(self, question: Question) -> None:
        """Note when the first piece of the answer came, once."""
        if "first_token" not in self.ms:
            self.ms["first_token"] = milliseconds_since(question.started)
            FIRST_TOKEN_SECONDS.observe(self.ms["first_token"] / 1000)
            recorder.record("rag_first_token", self.ms["first_token"] / 1000)


def milliseconds_since(started: float) -> float:
    """Return the ms since that point of the monotonic clock."""
    return round((time.monotonic() - started) * 1000, 3)
