"""Searches all corpora of a question: in parallel, each in its own snapshot, or one after another in one snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import Error

from documents.access.policy import Principal
from documents.models import Corpus
from documents.search.keyword_search import snapshot
from documents.search.search_scope import search_scope_of
from querying.concurrency.parallel import LegFailure, gather
from querying.retrieval.candidates import CorpusCandidates, search_corpus
from querying.retrieval.legs import Legs
from querying.retrieval.query_embedding import QuestionVector
from ragsite.deadline import Deadline
from ragsite.errors import InvalidInput, RagError
from ragsite.performance import PerformanceTimer

# Of the time left, reserved for what comes after the search: a stuck corpus must not cost the passages of the others.
RESERVE_SHARE, RESERVE_SECONDS = 0.1, 0.2


@dataclass(frozen=True)
class Search:
    """The question, as it is asked of each corpus."""

    question: str
    corpora: Sequence[Corpus]
    vectors: Mapping[int, QuestionVector]  # by corpus
    principal: Principal
    filters: Mapping[str, Any] | None
    mode: str
    are_named: bool  # whether leg names have the corpus' slug as prefix: there are several corpora

    def of(self, corpus: Corpus, legs: Legs) -> CorpusCandidates:
        """Return the candidates of one corpus."""
        reach = search_scope_of(corpus, self.principal, self.filters)
        return search_corpus(
            self.question, reach, self.vectors[corpus.pk], legs, mode=self.mode, prefix=self.prefix(corpus)
        )

    def prefix(self, corpus: Corpus) -> str:
        """Return the prefix of the names of a corpus' legs."""
        return f"{corpus.slug}/" if self.are_named else ""


def search_sequentially(search: Search, legs: Legs) -> dict[int, CorpusCandidates]:
    """Return the candidates of each corpus, by id; call it in a snapshot."""
    return {corpus.pk: search.of(corpus, legs) for corpus in search.corpora}


def search_in_parallel(search: Search, legs: Legs) -> dict[int, CorpusCandidates]:
    """Return the candidates of each corpus, by id; corpora that failed or are late are reported in `legs` instead.

    Each corpus has its own snapshot. Raises InvalidInput for a bad filter.
    """
    started = time.monotonic()
    left = legs.deadline.remaining()
    deadline = Deadline(legs.deadline.at - min(RESERVE_SECONDS, RESERVE_SHARE * left))
    acts: dict[str, Callable[[], tuple[CorpusCandidates, Legs]]] = {
        str(corpus.pk): partial(_search_one, search, corpus, deadline) for corpus in search.corpora
    }
    with PerformanceTimer("rag_side_by_side"):
        found = gather(acts, deadline)
    searched: dict[int, CorpusCandidates] = {}
    for corpus in search.corpora:
        result = found[str(corpus.pk)]
        if isinstance(result, LegFailure):
            _name_failure(search, corpus, result, legs, started)
        else:
            searched[corpus.pk], own = result
            legs.join(own)
    return searched


def _search_one(search: Search, corpus: Corpus, deadline: Deadline) -> tuple[CorpusCandidates, Legs]:
    legs = Legs(deadline)
    while True:
        with legs.attempt(), snapshot():
            return search.of(corpus, legs), legs


def _name_failure(search: Search, corpus: Corpus, failure: LegFailure, legs: Legs, started: float) -> None:
    error = failure.error
    if isinstance(error, InvalidInput) or (error is not None and not isinstance(error, Error | RagError)):
        raise error
    for leg in ("lexical", "dense"):
        legs.report(f"{search.prefix(corpus)}{leg}", failure.status, started, leg)
