"""Measures searches of a known duration in Postgres, one after another and in parallel, in a separate process.

What slows a corpus down is put in here, in this process; a server has no such door.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

import numpy as np
from django.db import connection
from django.test import override_settings

from documents.access.policy import Principal
from documents.models import Corpus, EmbeddingSpace
from documents.search.search_scope import SearchScope
from documents.search.vector_search import dense_leg
from monitoring.lab.benchmarks.data.bulk_corpus import load
from querying.concurrency.parallel import LegFailure, gather
from querying.retrieval import candidates
from querying.retrieval.pipeline import retrieve
from ragsite.deadline import Deadline

LEG_SECONDS = (0.3, 0.2, 0.2, 0.15)
SLUG = "slow-{}"
PASSAGES = 500
DEADLINE_SECONDS = 20.0
NOBODY = Principal(None)


def load_corpora() -> None:
    """Make one small corpus for each leg."""
    for number in range(len(LEG_SECONDS)):
        load(SLUG.format(number), PASSAGES, seed=number)


def time_legs(question: str, rounds: int, repeats: int) -> dict[str, list[float]]:
    """Return the ms of each repeat: `bare_*` for legs that only sleep, `search_*` for a question to four slow corpora.

    `*_sequential` has one thread, `*_parallel` as many as legs, in turns round by round; `*_over` is what the parallel
    way took more than the slowest leg in it.
    """
    corpora = [Corpus.objects.get(slug=SLUG.format(number)) for number in range(len(LEG_SECONDS))]
    taken: dict[str, list[float]] = defaultdict(list)
    with _slowed({corpus.pk: seconds for corpus, seconds in zip(corpora, LEG_SECONDS, strict=True)}):
        for _ in range(rounds):
            for way, threads in (("sequential", 1), ("parallel", len(LEG_SECONDS))):
                with override_settings(RAG_EXECUTOR_WORKERS=threads):
                    _time_way(way, question, corpora, repeats, taken)
    return taken


def _time_way(way: str, question: str, corpora: Sequence[Corpus], repeats: int, taken: dict[str, list[float]]) -> None:
    for number in range(repeats + 1):
        bare, (searched, slowest) = _time_bare(), _time_search(question, corpora)
        if number == 0:
            continue  # opens connections, starts threads, and loads the embedder
        taken[f"bare_{way}"].append(bare)
        taken[f"search_{way}"].append(searched)
        if way == "parallel":
            taken["bare_over"].append(bare - 1000 * max(LEG_SECONDS))
            taken["search_over"].append(searched - slowest)


def _time_bare() -> float:
    legs: Mapping[str, Callable[[], None]] = {
        f"leg {number}": partial(_sleep, seconds) for number, seconds in enumerate(LEG_SECONDS)
    }
    started = time.perf_counter()
    results = gather(legs, Deadline.after(DEADLINE_SECONDS))
    taken_ms = 1000 * (time.perf_counter() - started)
    failed = [result for result in results.values() if isinstance(result, LegFailure)]
    if failed:
        raise RuntimeError(f"a leg failed: {failed[0].error}")
    return taken_ms


def _time_search(question: str, corpora: Sequence[Corpus]) -> tuple[float, float]:
    """Return the ms of a whole search, and those of the corpus that took longest."""
    started = time.perf_counter()
    found = retrieve(question, corpora, principal=NOBODY, top_k=5, deadline=Deadline.after(DEADLINE_SECONDS))
    taken_ms = 1000 * (time.perf_counter() - started)
    by_corpus: dict[str, float] = {}
    for leg in found.legs:
        if leg.status != "ok":
            raise RuntimeError(f"leg {leg.name} is {leg.status}")
        slug = leg.name.partition("/")[0]
        by_corpus[slug] = by_corpus.get(slug, 0.0) + leg.ms
    return taken_ms, max(by_corpus.values())


@contextmanager
def _slowed(seconds_by_corpus: Mapping[int, float]) -> Iterator[None]:
    """Let the dense leg of each corpus take so much longer, in Postgres and in the leg's own transaction."""

    def slow(reach: SearchScope, space: EmbeddingSpace, vector: np.ndarray, limit: int) -> dict[int, float]:
        _sleep(seconds_by_corpus[reach.corpus.pk])
        return dense_leg(reach, space, vector, limit)

    with patch.object(candidates, "dense_leg", slow):
        yield


def _sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])
