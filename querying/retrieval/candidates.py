"""Searches one corpus: returns the candidates of both legs, each with the exact scores of both."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.conf import settings

from documents.keywords.bm25 import WeightedTerm, choose
from documents.keywords.query_understanding import understand
from documents.keywords.terms import ReadQuestion, prepare_question
from documents.models import EmbeddingSpace
from documents.search.keyword_search import Scores, lexical_leg, score_all
from documents.search.search_scope import SearchScope
from documents.search.vector_search import dense_leg
from documents.vectors.embedding import bare_name
from querying.questions.asking_part import asking_part, parts_of
from querying.retrieval.fusion import Candidate, FusionWeight, default_weight
from querying.retrieval.legs import Legs
from querying.retrieval.query_embedding import QuestionVector

# Candidates of each leg, by mode: (lexical, dense).
LIMITS = {"fast": (100, 50), "balanced": (200, 100), "quality": (400, 300)}
BEST_OF_ALL_PARTS = 4  # passages ranked first for the parts of a question that has several
WIDER = 10  # times the budget, when most matches are filtered out


@dataclass(frozen=True)
class CorpusCandidates:
    """The candidates of one corpus, and the question as it was read there."""

    reach: SearchScope
    space: EmbeddingSpace | None
    question: ReadQuestion | None  # None: the keyword leg failed
    candidates: Sequence[Candidate]
    best_of_parts: Sequence[tuple[int, float] | None] = ()  # of a question with several parts: chunk, BM25

    @cached_property
    def terms(self) -> list[int]:
        """Return the term ids of the question's words, and of others that were searched for them."""
        if self.question is None:
            return []
        keys = {key for term in self.question.terms for key in term.match_terms}
        return sorted(keys.union(*(each.terms for each in self.question.alike)))

    @cached_property
    def model(self) -> str:
        """Return the bare name of the embedding model; empty: none."""
        return "" if self.space is None else bare_name(self.space.model)

    @cached_property
    def fusion_weight(self) -> FusionWeight:
        """Return the weight of each leg in this corpus."""
        if self.space is None:
            return FusionWeight(1.0, "")
        weight = self.space.lexical_weight
        if weight is None:
            is_embedded = self.space.provider == EmbeddingSpace.Provider.EMBEDDED
            weight = default_weight(self.model, self.reach.corpus.language, is_embedded=is_embedded)
        return FusionWeight(weight, self.model)


def search_corpus(
    question: str, reach: SearchScope, asked: QuestionVector, legs: Legs, *, mode: str, prefix: str = ""
) -> CorpusCandidates:
    """Return the candidates of a corpus. A leg that fails is reported under `prefix` and its name, and left out."""
    lexical_limit, dense_limit = LIMITS[mode]
    by_words_leg, by_meaning_leg = f"{prefix}lexical", f"{prefix}dense"
    read: ReadQuestion | None = None
    weighted: tuple[WeightedTerm, ...] = ()
    by_words: dict[int, float] = {}
    parts: list[tuple[int, float] | None] = []
    if legs.may_run(by_words_leg, "lexical"):
        with legs.running(by_words_leg, "lexical"):
            read, weighted, by_words = _lexical(question, reach, lexical_limit)
    asked_parts = parts_of(question)
    if read and asked_parts and legs.may_run(by_words_leg, "lexical"):
        with legs.running(by_words_leg, "lexical"):
            parts = _best_of_parts(asked_parts, read, reach)
    space, vector = asked.space, asked.vector
    chosen = {best[0] for best in parts if best}
    if space is None or vector is None:
        legs.report(by_meaning_leg, asked.status, time.monotonic(), "dense")
        scores = _score(reach, by_words.keys() | chosen, weighted, None, None, legs, by_words=by_words)
        return _searched(reach, space, read, scores, parts)
    near = _nearest(reach, space, vector, dense_limit, legs, by_meaning_leg)
    scores = _score(
        reach, by_words.keys() | near.keys() | chosen, weighted, space, vector, legs, by_words=by_words, near=near
    )
    limit = dense_limit
    while len(near) == limit and len(near.keys() & scores.keys()) < dense_limit:
        # Some of the nearest vectors belong to versions that aren't live: a document is being reindexed. Look further.
        limit *= 4
        near = _nearest(reach, space, vector, limit, legs, by_meaning_leg)
        scores |= _score(reach, near.keys() - scores.keys(), weighted, space, vector, legs, near=near)
    return _searched(reach, space, read, scores, parts)


def _nearest(
    reach: SearchScope, space: EmbeddingSpace, vector: np.ndarray, limit: int, legs: Legs, name: str
) -> dict[int, float]:
    """Return the cosine similarities of the nearest chunks, by id; empty: the leg failed."""
    if legs.may_run(name, "dense"):
        with legs.running(name, "dense"):
            return dense_leg(reach, space, vector, limit)
    return {}


def _searched(
    reach: SearchScope,
    space: EmbeddingSpace | None,
    read: ReadQuestion | None,
    scores: Mapping[int, Scores],
    best_of_parts: Sequence[tuple[int, float] | None],
) -> CorpusCandidates:
    corpus_id = reach.corpus.pk
    candidates = [Candidate(pk, corpus_id, each.lexical, each.dense) for pk, each in scores.items()]
    return CorpusCandidates(reach, space, read, candidates, best_of_parts)


def _score(
    reach: SearchScope,
    chunk_ids: Collection[int],
    weighted: tuple[WeightedTerm, ...],
    space: EmbeddingSpace | None,
    vector: np.ndarray | None,
    legs: Legs,
    **known: Mapping[int, float],
) -> dict[int, Scores]:
    started = time.monotonic()
    scores = score_all(reach, chunk_ids, weighted, space, vector, **known) if chunk_ids else {}
    legs.note("score", started)
    return scores


def _lexical(
    question: str, reach: SearchScope, limit: int
) -> tuple[ReadQuestion, tuple[WeightedTerm, ...], dict[int, float]]:
    read = understand(reach.corpus, question)
    asked = asking_part(question)
    if asked is not None:
        language = reach.corpus.language
        words = prepare_question(asked, language, folded=read.folded).text.split()
        # A code in a mail is part of its question, wherever it is.
        codes = [word for word in read.words if not word.isdigit() and not word.isalpha()]
        read = read.with_context(read.lexemes_of([*words, *codes]))
    terms = read.terms + read.others
    chunk_count = reach.corpus.chunk_count
    budget = int(settings.LEXICAL_MATCH_BUDGET)
    choice = choose(terms, chunk_count, budget=None if reach.is_restricted and reach.is_small else budget)
    found = lexical_leg(reach, choice, limit)
    if reach.is_restricted and choice.is_bounded and len(found) < limit:
        # The best matches may be closed to this reader, or excluded by the filter.
        choice = choose(terms, chunk_count, budget=WIDER * budget)
        found = lexical_leg(reach, choice, limit)
    return read, choice.weighted, found


def _best_of_parts(parts: Sequence[str], read: ReadQuestion, reach: SearchScope) -> list[tuple[int, float] | None]:
    """Return the best chunks by BM25 for each part of the question: the first of each part, then the second of each."""
    each = max(1, BEST_OF_ALL_PARTS // len(parts))
    best: list[Sequence[tuple[int, float] | None]] = []
    for part in parts:
        words = prepare_question(part, reach.corpus.language, folded=read.folded).text.split()
        lexemes = read.lexemes_of(words)
        choice = choose(read.searched_for(lexemes), reach.corpus.chunk_count, budget=int(settings.LEXICAL_MATCH_BUDGET))
        found = list(lexical_leg(reach, choice, each).items())
        best.append([*found, *[None] * (each - len(found))])
    return [one for of_rank in zip(*best, strict=True) for one in of_rank]
