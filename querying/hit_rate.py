"""How often caches spare the work: counted per layer, and as one share of all questions."""

from __future__ import annotations

import threading

from ragsite.metrics import CACHE_HIT_RATE, CACHE_REQUESTS

_lock = threading.Lock()
_questions = 0
_hits = 0


def count(layer: str, *, hit: bool) -> None:
    """Count that a layer was asked."""
    CACHE_REQUESTS.labels(layer=layer, outcome="hit" if hit else "miss").inc()


def count_question(*, hit: bool) -> None:
    """Count a question that caches were allowed for, and whether one of them had the answer."""
    global _questions, _hits
    with _lock:
        _questions += 1
        _hits += hit
        CACHE_HIT_RATE.set(_hits / _questions)
