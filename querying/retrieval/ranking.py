"""Ranks the candidates of all corpora for a question, and gathers the evidence for an answer in the best of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from cachetools import LRUCache
from django.conf import settings

from documents.access.policy import Principal
from documents.keywords.terms import prepare_question
from documents.keywords.tokenization import is_unspaced
from documents.models import Corpus
from documents.reindexing.closeness import closeness_of
from documents.search.keyword_search import Found, load, snapshot
from querying.concurrency.parallel import can_run_in_parallel
from querying.concurrency.search_queue import search_queue
from querying.retrieval.answerability import closeness_for, writing_of
from querying.retrieval.candidates import CorpusCandidates
from querying.retrieval.corpus_search import Search, search_in_parallel, search_sequentially
from querying.retrieval.evidence import PASSAGES, Evidence, FoundWords, evidence_for
from querying.retrieval.fusion import Fused, fuse
from querying.retrieval.legs import Legs
from querying.retrieval.proximity import DEPTH, PAIRS_SHARE, pair_score, pair_weights
from querying.retrieval.query_embedding import embed_for

CHUNKS_KEPT = 1500  # with their words, about 10 kB each
_lock = threading.Lock()
_words_of: LRUCache[Any, tuple[str, ...]] = LRUCache(CHUNKS_KEPT)


@dataclass(frozen=True)
class Ranking:
    """All candidates, best first; `found` has the texts of the best ones."""

    fused: Sequence[Fused]
    found: Mapping[int, Found]
    corpora: Mapping[int, Corpus]
    evidence: Sequence[Evidence]  # of each corpus with some of the best; empty: the keyword leg failed
    corrections: Mapping[str, str] = field(default_factory=dict)  # misspelled word -> the one that was searched
    alike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # word -> others that were searched for it
    is_whole: bool = True  # False: some of the best were deleted before their texts were loaded


def rank(
    question: str,
    corpora: Sequence[Corpus],
    *,
    principal: Principal,
    legs: Legs,
    top_k: int = DEPTH,
    filters: Mapping[str, Any] | None = None,
    mode: str = "balanced",
    use_cache: bool = True,
) -> Ranking:
    """Return the candidates of both legs, with the exact scores of both, best first.

    Raises InvalidInput for a bad filter; DeadlineExceeded or DatabaseUnavailable when no leg worked.
    """
    vectors = embed_for(question, corpora, legs, use_cache=use_cache)
    search = Search(question, corpora, vectors, principal, filters, mode, are_named=len(corpora) > 1)
    with search_queue().slot(legs.deadline, stall_seconds=settings.DATABASE_POOL_TIMEOUT_SECONDS):
        return _search_and_rank(search, legs, top_k)


def _search_and_rank(search: Search, legs: Legs, top_k: int) -> Ranking:
    corpora = search.corpora
    if len(corpora) > 1 and can_run_in_parallel():
        started = time.monotonic()
        searched = search_in_parallel(search, legs)
        legs.raise_if_none_worked()
        with snapshot():
            ranking = _rank_found(searched, corpora, top_k, legs)
        if ranking.is_whole or legs.deadline.remaining() < time.monotonic() - started:
            return ranking
        # A document was replaced during the search. Search again, now in one snapshot.
        search = replace(search, corpora=[corpus for corpus in corpora if corpus.pk in searched])
    # One snapshot for all queries: a document that is replaced meanwhile is found in its old version.
    with snapshot():
        searched = search_sequentially(search, legs)
        legs.raise_if_none_worked()
        return _rank_found(searched, corpora, top_k, legs)


def _rank_found(searched: Mapping[int, CorpusCandidates], corpora: Sequence[Corpus], top_k: int, legs: Legs) -> Ranking:
    """Return the ranking of the candidates of all corpora; call it in a snapshot."""
    candidates = [candidate for each in searched.values() for candidate in each.candidates]
    fused: Sequence[Fused] = fuse(candidates, {pk: each.fusion_weight for pk, each in searched.items()})
    started = time.monotonic()
    best_of_parts = {best[0] for each in searched.values() for best in each.best_of_parts if best}
    depth = max(top_k, DEPTH)
    best = [*fused[:depth], *(each for each in fused[depth:] if each.candidate.chunk_id in best_of_parts)]
    found = _load(best, searched)
    fused = _reward_pairs(fused, found, searched)
    fused = _every_part_first(fused, found, searched)
    evidence = _gather_evidence(fused[:PASSAGES], found, searched)
    legs.note("load", started)
    is_whole = len(found) == len(best)
    by_id = {corpus.pk: corpus for corpus in corpora}
    there = {term for each in found.values() for term in each.terms}
    return Ranking(
        fused, found, by_id, evidence, _corrections(there, searched), _alike(there, searched), is_whole=is_whole
    )


def _corrections(there: AbstractSet[int], searched: Mapping[int, CorpusCandidates]) -> dict[str, str]:
    """Return the corrected words, but only corrections to words in passages that the reader may read."""
    return {
        word.typed: word.meant
        for each in searched.values()
        if each.question
        for word in each.question.corrected
        if not there.isdisjoint(word.terms)
    }


def _alike(there: AbstractSet[int], searched: Mapping[int, CorpusCandidates]) -> dict[str, tuple[str, ...]]:
    """Return the other words that were searched for each word, with the same restriction as corrections."""
    alike: dict[str, dict[str, None]] = {}
    for where in searched.values():
        for each in where.question.alike if where.question else ():
            if not there.isdisjoint(each.terms):
                alike.setdefault(each.word, {})[each.other] = None
    return {word: tuple(others) for word, others in alike.items()}


def _load(best: Sequence[Fused], searched: Mapping[int, CorpusCandidates]) -> dict[int, Found]:
    """Return the texts of the best candidates, by id, with the reader's rights checked again."""
    wanted: dict[int, list[int]] = {}
    for each in best:
        wanted.setdefault(each.candidate.corpus_id, []).append(each.candidate.chunk_id)
    loaded: dict[int, Found] = {}
    for corpus_id, ids in wanted.items():
        loaded |= load(searched[corpus_id].reach, ids, searched[corpus_id].terms)
    return loaded


def _reward_pairs(
    fused: Sequence[Fused], found: Mapping[int, Found], searched: Mapping[int, CorpusCandidates]
) -> Sequence[Fused]:
    """Return the ranking with a bonus for the best candidates that have neighbouring words of the question."""
    lexical = [each.candidate.lexical for each in fused if each.candidate.lexical is not None]
    spread = max(lexical, default=0.0) - min(lexical, default=0.0)
    if spread <= 0:
        return fused
    weights = {
        pk: pair_weights(each.question, each.reach.corpus.chunk_count)
        # In scripts without spaces, words are pairs of characters already.
        if each.question and not is_unspaced("".join(each.question.words))
        else {}
        for pk, each in searched.items()
    }
    rewarded = list(fused)
    for place, each in enumerate(fused[:DEPTH]):
        corpus_id, chunk = each.candidate.corpus_id, found.get(each.candidate.chunk_id)
        if chunk is None or not weights[corpus_id]:
            continue
        at = searched[corpus_id]
        length = chunk.lexeme_count / at.reach.corpus.average_length
        pairs = pair_score(weights[corpus_id], _words(chunk, at), relative_length=length)
        bonus = at.fusion_weight.lexical_weight * PAIRS_SHARE * pairs / spread
        rewarded[place] = Fused(each.candidate, each.score + bonus)
    top = max(1.0, max(each.score for each in rewarded))
    ordered = sorted(rewarded, key=lambda each: (-each.score, each.candidate.chunk_id))
    return [Fused(each.candidate, each.score / top) for each in ordered]


def _every_part_first(
    fused: Sequence[Fused], found: Mapping[int, Found], searched: Mapping[int, CorpusCandidates]
) -> Sequence[Fused]:
    """Return the ranking with the best passage for each part of the question before all others."""
    first: dict[int, Fused] = {}
    by_id = {each.candidate.chunk_id: each for each in fused}
    for of_corpora in zip_longest(*(each.best_of_parts for each in searched.values())):
        scores = {chunk_id: score for best in of_corpora if best for chunk_id, score in [best] if chunk_id in found}
        if scores:
            chunk_id = max(scores, key=lambda each: scores[each])
            first[chunk_id] = by_id[chunk_id]
    if len(first) < 2:
        return fused
    rest = [each for each in fused if each.candidate.chunk_id not in first]
    return [each._replace(score=max(each.score, fused[0].score)) for each in first.values()] + rest


def _words(chunk: Found, searched: CorpusCandidates) -> Sequence[str]:
    """Return a chunk's words, normalised like those of the question.

    Cached, because the good passages of a corpus are found often, and a chunk never changes.
    """
    folded = searched.question is not None and searched.question.folded
    language = searched.reach.corpus.language
    key = (chunk.chunk_id, chunk.document_title, language, folded)
    with _lock:
        words = _words_of.get(key)
    if words is None:
        text = f"{chunk.document_title}\n{chunk.heading}\n{chunk.text}"
        words = tuple(prepare_question(text, language, folded=folded).text.split())
        with _lock:
            _words_of[key] = words
    return words


def _gather_evidence(
    best: Sequence[Fused], found: Mapping[int, Found], searched: Mapping[int, CorpusCandidates]
) -> list[Evidence]:
    """Return the evidence in each corpus that has some of the best candidates."""
    evidence = []
    for corpus_id in dict.fromkeys(each.candidate.corpus_id for each in best):
        where = searched[corpus_id]
        ids = [each.candidate.chunk_id for each in best if each.candidate.corpus_id == corpus_id]
        own = [found[chunk_id] for chunk_id in ids if chunk_id in found]
        # No chunks at the look-up: the first ones were added since, and the statistics of the corpus don't cover them.
        if where.question is not None and own and where.reach.corpus.chunk_count:
            evidence.append(_evidence_in(where, own))
    return evidence


def _evidence_in(where: CorpusCandidates, chunks: Sequence[Found]) -> Evidence:
    assert where.question is not None
    corpus = where.reach.corpus
    lexical = sorted((each.lexical for each in where.candidates if each.lexical is not None), reverse=True)
    cosine = max((each.dense for each in where.candidates if each.dense is not None), default=None)
    return evidence_for(
        where.question,
        [FoundWords(chunk.terms, _words(chunk, where)) for chunk in chunks],
        lexical=lexical,
        chunk_count=corpus.chunk_count,
        average_length=corpus.average_length,
        closeness=closeness_for(where.space, closeness_of(where.space), cosine, corpus.language),
        writing=writing_of(" ".join(where.question.words), corpus.language),
    )
