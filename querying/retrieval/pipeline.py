"""Retrieves the passages for a question, and decides whether they can hold its answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.transaction import TransactionManagementError

from documents.access.policy import Principal
from documents.models import Corpus
from documents.text.borders import borders_of
from documents.text.normalization import normalise_question
from querying.passages import Passage, Retrieved
from querying.questions.identifiers import found_codes, missing_identifiers
from querying.retrieval.answerability import Verdict, verdict
from querying.retrieval.fusion import Fused
from querying.retrieval.legs import Legs
from querying.retrieval.ranking import Ranking, rank
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable


def retrieve(
    question: str,
    corpora: Sequence[Corpus],
    *,
    principal: Principal,
    top_k: int,
    deadline: Deadline,
    filters: Mapping[str, Any] | None = None,
    mode: str = "balanced",
    use_cache: bool = True,
) -> Retrieved:
    """Return the best `top_k` passages that the principal may read, and whether they can hold the answer.

    A leg that fails or is late is reported in `legs`, and the others answer. Without `use_cache` the question's vector
    is computed and not cached. Raises InvalidInput for a bad filter; DeadlineExceeded or DatabaseUnavailable when no
    leg worked.
    """
    started = time.monotonic()
    legs = Legs(deadline)
    ranking = rank_in_time(
        question,
        corpora,
        principal=principal,
        legs=legs,
        top_k=top_k,
        filters=filters,
        mode=mode,
        use_cache=use_cache,
    )
    legs.note("retrieve", started)
    return best_of(ranking, question, top_k=top_k, legs=legs)


def rank_in_time(question: str, corpora: Sequence[Corpus], *, legs: Legs, **options: Any) -> Ranking:
    """Return the ranking of all candidates; a leg that fails or is late is named in `legs`, and the others rank.

    Options and errors are those of `retrieve`.
    """
    ranking: Ranking | None = None
    try:
        while ranking is None:
            with legs.attempt():
                ranking = rank(normalise_question(question), corpora, legs=legs, **options)
    except (InterfaceError, OperationalError, TransactionManagementError) as exc:
        raise DatabaseUnavailable(retry_after_seconds=2) from exc
    return ranking


def best_of(ranking: Ranking, question: str, *, top_k: int, legs: Legs) -> Retrieved:
    """Return the best `top_k` passages of a ranking, and whether they can hold the answer."""
    best = [each for each in ranking.fused[:top_k] if each.candidate.chunk_id in ranking.found]
    found = verdict(ranking.evidence) if best else Verdict.ABSENT
    passages = tuple(passage_of(each, ranking) for each in best)
    texts = tuple(f"{each.document_title}\n{each.document_source}\n{each.heading}\n{each.text}" for each in passages)
    if found is Verdict.ABSENT and found_codes(normalise_question(question), texts):
        found = Verdict.UNCERTAIN
    return Retrieved(
        passages=passages,
        legs=tuple(legs.reports),
        answerable=found is not Verdict.ABSENT,
        timings_ms=legs.timings_ms,
        is_uncertain=found is Verdict.UNCERTAIN,
        corrections=ranking.corrections,
        alike=ranking.alike,
        missing_identifiers=missing_identifiers(normalise_question(question), texts) if passages else (),
    )


def passage_of(fused: Fused, ranking: Ranking) -> Passage:
    """Return a candidate whose text was loaded as a passage."""
    candidate = fused.candidate
    found = ranking.found[candidate.chunk_id]
    legs = {"lexical": candidate.lexical, "dense": candidate.dense}
    return Passage(
        chunk_id=found.chunk_id,
        document_id=found.document_id,
        document_title=found.document_title,
        document_source=found.document_source,
        corpus_slug=ranking.corpora[candidate.corpus_id].slug,
        heading=found.heading,
        page=found.page,
        start=found.start,
        end=found.end,
        text=found.text,
        score=round(fused.score, 6),
        legs={name: round(score, 6) for name, score in legs.items() if score is not None},
        borders=borders_of(found.borders),
    )
