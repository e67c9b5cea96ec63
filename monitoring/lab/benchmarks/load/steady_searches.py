"""Searches at a steady rate from a thread, and keeps each whole reply, to see what is found during a change."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from types import TracebackType
from typing import Any, Self

from monitoring.lab.benchmarks.load.keep_alive_client import KeepAlive

PATH = "/api/v1/search"
# What an answer is made of, to be compared: (chunk, score of the dense leg) of each passage, in their order.
Fingerprint = tuple[tuple[int, float | None], ...]


@dataclass(frozen=True)
class Searched:
    """What came of one search. `at` is a point of the monotonic clock; `failure` is empty for a good answer."""

    question: int  # its place in the list
    at: float
    seconds: float
    failure: str
    fingerprint: Fingerprint = ()


def fingerprint_of(found: dict[str, Any]) -> Fingerprint:
    """Return what tells this answer from one of another embedding space."""
    return tuple((each["chunk_id"], each["legs"].get("dense")) for each in found["passages"])


class SteadySearches:
    """Asks the questions in turn, until the `with` block ends. Each is asked in time, however slow the others are."""

    def __init__(self, url: str, bodies: Sequence[dict[str, Any]], *, per_second: float, clients: int = 4) -> None:
        self.searched: list[Searched] = []
        self._url = url
        self._bodies = bodies
        self._interval_seconds = 1 / per_second
        self._numbers = itertools.count()
        self._ended = threading.Event()
        self._started = 0.0
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while True:
            number = next(self._numbers)
            if self._ended.wait(max(0.0, self._started + number * self._interval_seconds - time.monotonic())):
                return
            with KeepAlive(self._url) as client:
                self.searched.append(search_once(client, self._bodies, number % len(self._bodies)))


def search_once(client: KeepAlive, bodies: Sequence[dict[str, Any]], question: int) -> Searched:
    """Ask one of the questions, and return what came of it; never raises for what a server does."""
    at = time.monotonic()
    try:
        status, found, seconds = client.post_json(PATH, bodies[question])
    except (OSError, HTTPException, ValueError) as error:
        return Searched(question, at, time.monotonic() - at, type(error).__name__)
    if status != 200 or found["degraded"]:
        return Searched(question, at, seconds, f"{status} {found.get('code', 'degraded')}")
    return Searched(question, at, seconds, "", fingerprint_of(found))
