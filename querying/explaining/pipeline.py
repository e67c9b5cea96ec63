"""Why a document is, or is not, among the passages of an answer: the stages of a question, looked at for one document.

The search is the one that questions use, once as it was asked and once within the document, so that its passages have
scores even where they were far from being candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from documents.access.policy import Principal
from documents.models import Corpus, Document
from querying.answering.rungs import prompt_for
from querying.explaining.reasons import UNSEARCHED, reason_of_language, reasons_before_searching
from querying.passages import LegReport, Passage, Retrieved
from querying.retrieval.candidates import LIMITS
from querying.retrieval.fusion import Candidate
from querying.retrieval.legs import Legs
from querying.retrieval.pipeline import best_of, passage_of, rank_in_time
from querying.retrieval.ranking import Ranking
from querying.types import Question, Reason
from ragsite.ollama import configured

PASSAGES_MAX = 5  # of the document, that are shown
COMPARED_MAX = 100  # of the document, among which those are chosen
TRUNCATED = Reason(
    "truncated", "It is among the answer's passages, but the model does not read it: its context has no room for it."
)


@dataclass(frozen=True)
class Place:
    """A score, and the rank that it means, from 1. None: there is none."""

    score: float | None = None
    rank: int | None = None


@dataclass(frozen=True)
class PassageReport:
    """One passage of the document, and how far it came."""

    passage: Passage
    lexical: Place  # BM25; its rank is among the candidates of the document's corpus
    dense: Place  # cosine similarity; the same
    fused: Place  # 0..1, among the candidates of all corpora
    in_answer: bool  # whether it is one of the passages of an answer
    reason: Reason | None  # why it isn't; or why the model does not read it


@dataclass(frozen=True)
class Explanation:
    """What became of a document when a question was asked."""

    document: Document
    found: bool
    reasons: tuple[Reason, ...]  # why it wasn't found, or why less of it than there is
    passages: tuple[PassageReport, ...]  # the best ones of the document, best first
    candidates: int  # of the whole question
    limits: Mapping[str, int]  # candidates of each leg in a corpus, and passages of an answer
    answerable: bool | None  # None: it was not searched
    legs: tuple[LegReport, ...]
    timings_ms: Mapping[str, float]


def explain(question: Question, document: Document, *, asker: Principal | None = None) -> Explanation:
    """Return what became of a document that the question's principal may edit.

    `asker`: somebody else who asked, of whom only is told whether they may read the document. The ranks are those
    among everything that the principal may read, or they would say something of what the asker reads elsewhere.
    Raises as `retrieve` does.
    """
    before = reasons_before_searching(question, document, asker)
    ranking, retrieved, legs = None, None, Legs(question.deadline)
    if document.version and not any(reason.code in UNSEARCHED for reason in before):
        ranking = _rank(question, legs, question.corpora, filters=question.filters, top_k=question.top_k)
        retrieved = best_of(ranking, question.text, top_k=question.top_k, legs=legs)
    own_legs = legs if ranking is None else Legs(question.deadline)
    own = _rank_within(question, document, own_legs) if document.version else None
    passages = () if own is None else tuple(_reports(question, own, ranking, retrieved))
    searching = () if retrieved is None else _from_searching(question, document, passages, retrieved)
    return Explanation(
        document=document,
        found=any(each.in_answer for each in passages) and not any(each.code == "not_readable" for each in before),
        reasons=tuple(dict.fromkeys([*before, *searching])),
        passages=passages,
        candidates=0 if ranking is None else len(ranking.fused),
        limits=limits_of(question.mode) | {"passages": question.top_k},
        answerable=None if retrieved is None else retrieved.answerable,
        legs=tuple(legs.reports),
        timings_ms=dict(legs.timings_ms),
    )


def limits_of(mode: str) -> dict[str, int]:
    """Return how many candidates each leg has in a corpus."""
    return dict(zip(("lexical", "dense"), LIMITS[mode], strict=True))


def _rank(
    question: Question, legs: Legs, corpora: Sequence[Corpus], *, filters: Mapping[str, Any] | None, top_k: int
) -> Ranking:
    return rank_in_time(
        question.text,
        corpora,
        legs=legs,
        principal=question.principal,
        top_k=top_k,
        filters=filters,
        mode=question.mode,
        use_cache=question.use_cache,
    )


def _rank_within(question: Question, document: Document, legs: Legs) -> Ranking:
    asked = {corpus.pk: corpus for corpus in question.corpora}
    corpus = asked.get(document.corpus_id, document.corpus)
    return _rank(question, legs, [corpus], filters={"document": document.pk}, top_k=COMPARED_MAX)


def _reports(
    question: Question, own: Ranking, ranking: Ranking | None, retrieved: Retrieved | None
) -> Sequence[PassageReport]:
    """Return the document's best passages: those that came furthest, then those that are best within it."""
    fused = {} if ranking is None else {each.candidate.chunk_id: each.score for each in ranking.fused}
    ranks = {chunk_id: rank for rank, chunk_id in enumerate(fused, start=1)}
    best = sorted(
        (each for each in own.fused if each.candidate.chunk_id in own.found),
        key=lambda each: ranks.get(each.candidate.chunk_id, len(ranks) + 1),
    )[:PASSAGES_MAX]
    beside = [] if ranking is None else [each.candidate for each in ranking.fused]
    used = {} if retrieved is None else {each.chunk_id: n for n, each in enumerate(retrieved.passages, start=1)}
    read = prompt_for(question, retrieved).numbers if retrieved is not None and configured() else None
    reports = []
    for each in best:
        chunk_id = each.candidate.chunk_id
        places = {leg: _place(each.candidate, beside, leg, limit) for leg, limit in limits_of(question.mode).items()}
        number, rank = used.get(chunk_id), ranks.get(chunk_id)
        reason = None
        if number is not None and read is not None and number not in read:
            reason = TRUNCATED
        elif number is None and ranking is not None:
            reason = _not_used(question, rank, len(ranks))
        reports.append(
            PassageReport(
                passage=passage_of(each, own),
                **places,
                fused=Place(fused.get(chunk_id), rank),
                in_answer=number is not None,
                reason=reason,
            )
        )
    return reports


def _place(candidate: Candidate, beside: Sequence[Candidate], leg: str, limit: int) -> Place:
    """Return a passage's score in a leg, and its rank in its corpus, should that be within the leg's limit."""
    score: float | None = getattr(candidate, leg)
    rivals = [each for each in beside if each.corpus_id == candidate.corpus_id]
    if not score or candidate.chunk_id not in {each.chunk_id for each in rivals}:
        return Place(score)
    better = sum(getattr(each, leg) > score for each in rivals if getattr(each, leg) is not None)
    return Place(score, 1 + better if better < limit else None)


def _not_used(question: Question, rank: int | None, candidates: int) -> Reason:
    if rank is None:
        lexical, dense = LIMITS[question.mode]
        return Reason(
            "below_candidates",
            f"It was never a candidate: in its corpus {lexical} passages or more have more of the question's words, "
            f"and {dense} or more are nearer to its meaning.",
        )
    return Reason(
        "below_top_k",
        f"It came in at {rank:,} of {candidates:,} candidates, and an answer uses the best {question.top_k}.",
    )


def _from_searching(
    question: Question, document: Document, passages: Sequence[PassageReport], retrieved: Retrieved
) -> list[Reason]:
    """Return why the search did not find the document, or the answer does not use it."""
    reasons = [
        Reason("leg_failed", f"The {each.name} search did not work ({each.status}): the ranks are without it.")
        for each in retrieved.legs
        if each.status in ("failed", "late")
    ]
    used = [each for each in passages if each.in_answer]
    if used:
        reasons += [each.reason for each in used if each.reason is not None]
        if not retrieved.answerable:
            reasons.append(
                Reason("not_answerable", "It was found, but the passages were judged not to answer the question.")
            )
        return reasons
    reasons += [each.reason for each in passages[:1] if each.reason is not None]
    if not passages:
        reasons.append(Reason("below_candidates", "None of its passages has anything to do with the question."))
    elif not any(each.lexical.score for each in passages):
        reasons.append(Reason("no_common_words", "None of its passages has a telling word of the question."))
    return [*reasons, *reason_of_language(question, document)]
