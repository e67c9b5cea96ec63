"""Measures the stages of a question, for the reply and for the metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from querying.types import Question
from ragsite.metrics import FIRST_TOKEN_SECONDS
from ragsite.performance import observe_stage, recorder


class Timings:
    """The times of the stages so far, in ms."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as a stage, even if it raises."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.ms[name] = milliseconds_since(started)
            observe_stage(name, self.ms[name] / 1000)

    def first_token(self, question: Question) -> None:
        """Measure the time to the first token of the answer; later calls do nothing."""
        if "first_token" not in self.ms:
            self.ms["first_token"] = milliseconds_since(question.started)
            FIRST_TOKEN_SECONDS.observe(self.ms["first_token"] / 1000)
            recorder.record("rag_first_token", self.ms["first_token"] / 1000)


def milliseconds_since(started: float) -> float:
    """Return the ms since `started` (on the monotonic clock)."""
    return round((time.monotonic() - started) * 1000, 3)
