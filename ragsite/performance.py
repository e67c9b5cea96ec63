"""Records durations of stages: the last samples of each, for percentiles, and a log line when one is slow.

Prometheus has the same times as histograms, over all processes; these are exact, and of this process.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from ragsite.metrics import STAGE_SECONDS

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

SAMPLES = 1000  # of each name: the last ones
MAX_NAMES = 100  # names are written in the code; if ever one came from outside, memory stays bounded
SLOW_STAGE_SECONDS = 0.5
# Never logged as slow: one waits for a model that writes, the other is the sum of stages with log lines of their own.
NEVER_SLOW = frozenset({"generate", "retrieve"})
NAMES = {"embed": "rag_prepare_query", "lexical": "rag_lexical_fetch", "dense": "rag_dense_fetch"}


@dataclass(frozen=True)
class Stats:
    """Figures of the last samples of one name."""

    sample_count: int
    avg_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Recorder:
    """The last samples by name, in seconds. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: dict[str, deque[float]] = {}

    def record(self, name: str, seconds: float) -> None:
        """Add a sample; further names than MAX_NAMES are ignored."""
        with self._lock:
            samples = self._samples.get(name)
            if samples is None:
                if len(self._samples) >= MAX_NAMES:
                    return
                samples = self._samples[name] = deque(maxlen=SAMPLES)
            samples.append(seconds)

    def stats(self) -> Mapping[str, Stats]:
        """Return the figures of every name, in alphabetical order."""
        with self._lock:
            copied = {name: list(samples) for name, samples in self._samples.items()}
        return {name: _stats_of(copied[name]) for name in sorted(copied)}  # sorted without holding the lock

    def forget(self) -> None:
        """Forget the samples of all names."""
        with self._lock:
            self._samples.clear()


recorder = Recorder()


def observe_stage(stage: str, seconds: float) -> None:
    """Record the duration of a stage of a question: for Prometheus, for percentiles, and in the log if it was slow."""
    STAGE_SECONDS.labels(stage=stage).observe(seconds)
    recorder.record(NAMES.get(stage) or f"rag_{stage}", seconds)
    if seconds >= SLOW_STAGE_SECONDS and stage not in NEVER_SLOW:
        logger.warning("slow stage %s: %.3f s", stage, seconds)


class PerformanceTimer:
    """Times a block under a name: `with PerformanceTimer("rag_corpus_fetch"):`. A block that fails counts too.

    One timer is for one block at a time; threads make their own.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._started = 0.0

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        observe_stage(self.name.removeprefix("rag_"), time.monotonic() - self._started)


def track_rag_performance(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, timed under `rag_` and its name."""
    name = f"rag_{function.__name__.lstrip('_')}"

    @functools.wraps(function)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        with PerformanceTimer(name):
            return function(*args, **kwargs)

    return timed


def _stats_of(samples: list[float]) -> Stats:
    samples.sort()

    def at(share: float) -> float:
        """Return the smallest sample that this share of them doesn't exceed."""
        return _ms(samples[max(0, -int(-share * len(samples) // 1) - 1)])

    return Stats(len(samples), _ms(sum(samples) / len(samples)), at(0.5), at(0.95), at(0.99))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
