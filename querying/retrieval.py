"""Question -> passages: both legs over every corpus, fused; and whether the answer can be in there at all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.transaction import TransactionManagementError

from documents.access.policy import Principal
from documents.models import Corpus
from documents.text.borders import Border, borders_of
from documents.text.normalization import normalise_question
from querying.fusion import Fused
from querying.gate import Verdict, verdict
from querying.identifiers import found_codes, missing_identifiers
from querying.legs import LegReport, Legs
from querying.ranking import Ranking, rank
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable


@dataclass(frozen=True)
class Passage:
    """A passage that was found: `text` is `start:end` of its document's text."""

    chunk_id: int
    document_id: UUID
    document_title: str
    document_source: str
    corpus_slug: str
    heading: str
    page: int | None
    start: int
    end: int
    text: str
    score: float  # 0..1, only comparable within one question
    legs: Mapping[str, float]  # raw scores: BM25 as `lexical`, cosine similarity as `dense`
    borders: tuple[Border, ...] | None = None  # where another page or section begins in it; None: not known


@dataclass(frozen=True)
class Retrieved:
    """What was found for a question, and how that went."""

    passages: tuple[Passage, ...]
    legs: tuple[LegReport, ...]
    answerable: bool
    timings_ms: Mapping[str, float]
    age_seconds: float | None = None  # None: found now, and not given again
    is_uncertain: bool = False  # the passages may hold the answer, or only be near it
    corrections: Mapping[str, str] = field(default_factory=dict)  # misspelled word -> the one that was searched
    alike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # word, as corrected -> others searched for it
    missing_identifiers: tuple[str, ...] = ()  # that the question names, and no passage does


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

    A leg that fails or is late is named in `legs`, and the others answer. Without `use_cache` the question's vector is
    made again, and not kept. Raises InvalidInput for a bad filter;
    DeadlineExceeded or DatabaseUnavailable when no leg worked.
    """
    started = time.monotonic()
    legs, ranking = Legs(deadline), None
    try:
        while ranking is None:
            with legs.attempt():
                ranking = rank(
                    normalise_question(question),
                    corpora,
                    principal=principal,
                    legs=legs,
                    top_k=top_k,
                    filters=filters,
                    mode=mode,
                    use_cache=use_cache,
                )
    except (InterfaceError, OperationalError, TransactionManagementError) as exc:
        raise DatabaseUnavailable(retry_after_seconds=2) from exc
    legs.note("retrieve", started)
    best = [each for each in ranking.fused[:top_k] if each.candidate.chunk_id in ranking.found]
    found = verdict(ranking.evidence) if best else Verdict.ABSENT
    passages = tuple(_passage(each, ranking) for each in best)
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


def _passage(fused: Fused, ranking: Ranking) -> Passage:
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
