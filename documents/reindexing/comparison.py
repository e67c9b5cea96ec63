"""Compares the search quality of a space with the live one, on questions made from the corpus itself.

A question is a sentence of a chunk, or its heading; the right answer is that chunk, or one under the same heading.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from documents.indexing.attempts import Interrupted
from documents.models import Corpus, EmbeddingSpace
from documents.reindexing.coverage import live_chunks, whole
from documents.reindexing.index_recall import sampled_chunks
from documents.search.search_scope import SearchScope
from documents.search.vector_search import dense_leg
from documents.vectors.embedding import embed_questions
from ragsite.deadline import Deadline

TOP = 10
QUESTIONS = 500
MARGIN = 0.03
SENTENCE_MAX_CHARS = 300
EVERY_NTH_BY_HEADING = 4
HEADING_MIN_WORDS = 2
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True)
class KnownItem:
    """A question, and the ids of the chunks that are right answers."""

    question: str
    right: frozenset[int]


@dataclass(frozen=True)
class Quality:
    """Recall: how often a right chunk is among the first ten. MRR: the mean of 1 / its rank."""

    recall_at_10: float
    mrr_at_10: float


@dataclass(frozen=True)
class Comparison:
    """Both spaces on the same questions. `noise`: twice the standard error of the difference in each figure."""

    questions: int
    live: Quality
    new: Quality
    noise: Quality
    overlap_at_10: float  # share of what the live space finds that the new one finds too
    margin: float
    at: str

    @property
    def is_worse(self) -> bool:
        """Return whether the new space loses more than the margin in one of the figures."""
        return (
            self.live.recall_at_10 - self.new.recall_at_10 > self.margin
            or self.live.mrr_at_10 - self.new.mrr_at_10 > self.margin
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison as a dict for JSON."""
        return asdict(self) | {"is_worse": self.is_worse}


def compare(
    live: EmbeddingSpace,
    new: EmbeddingSpace,
    *,
    questions: int = QUESTIONS,
    margin: float = MARGIN,
    keep_going: Callable[[], bool] = lambda: True,
) -> Comparison | None:
    """Return the quality of both spaces of a corpus on the same questions; None: no questions can be made.

    Each space is searched with its model and through its index, as for a user. Raises what `embed_questions` raises,
    and Interrupted when `keep_going` says so.
    """
    live.corpus.refresh_from_db()
    items = known_items(live.corpus, questions)
    if not items:
        return None
    found = {space.pk: _found(space, live.corpus, items, keep_going) for space in (live, new)}
    scores = {pk: np.asarray([_score(item, ids) for item, ids in zip(items, found[pk], strict=True)]) for pk in found}
    before, after = scores[live.pk], scores[new.pk]
    apart = 2 * np.std(after - before, axis=0) / np.sqrt(len(items))
    return Comparison(
        questions=len(items),
        live=_quality(before.mean(axis=0)),
        new=_quality(after.mean(axis=0)),
        noise=_quality(apart),
        overlap_at_10=_overlap(found[live.pk], found[new.pk]),
        margin=margin,
        at=timezone.now().isoformat(timespec="seconds"),
    )


def known_items(corpus: Corpus, size: int) -> list[KnownItem]:
    """Return questions with known right answers: the same ones as long as the corpus doesn't change."""
    rows = list(sampled_chunks(corpus, size).values_list("pk", "text", "heading", "content_hash"))
    headings = [heading for place, (_, _, heading, _) in enumerate(rows) if _asks_by_heading(place, heading)]
    under = _groups(corpus, "heading", headings)
    equal = _groups(corpus, "content_hash", [each[3] for each in rows])
    items = []
    for place, (pk, text, heading, content_hash) in enumerate(rows):
        if _asks_by_heading(place, heading):
            items.append(KnownItem(_last_part(heading), frozenset(under[heading] | {pk})))
        elif sentence := _sentence(text):
            items.append(KnownItem(sentence, frozenset(equal[content_hash] | {pk})))
    return items


def _groups(corpus: Corpus, field: str, values: Sequence[str]) -> dict[str, set[int]]:
    groups: dict[str, set[int]] = defaultdict(set)
    for value, pk in live_chunks(corpus).filter(**{f"{field}__in": set(values)}).values_list(field, "pk"):
        groups[value].add(pk)
    return groups


def _asks_by_heading(place: int, heading: str) -> bool:
    return place % EVERY_NTH_BY_HEADING == 0 and len(_last_part(heading).split()) >= HEADING_MIN_WORDS


def _last_part(heading: str) -> str:
    return heading.rpartition(" > ")[2]


def _sentence(text: str) -> str:
    """Return the longest inner sentence, because chunks overlap at their ends; of one or two, the longest."""
    sentences = [part.strip() for part in _SENTENCE_ENDS.split(text) if part.strip()]
    inner = sentences[1:-1] or sentences
    return max(inner, key=len, default="")[:SENTENCE_MAX_CHARS]


def _found(
    space: EmbeddingSpace, corpus: Corpus, items: Sequence[KnownItem], keep_going: Callable[[], bool]
) -> list[list[int]]:
    calls = -(-len(items) // settings.OLLAMA_EMBED_BATCH_SIZE)
    deadline = Deadline.after(calls * settings.OLLAMA_EMBED_TIMEOUT_SECONDS)
    vectors = embed_questions(space, [item.question for item in items], deadline=deadline)
    scope = whole(corpus)
    found = []
    for vector in vectors:
        if not keep_going():
            raise Interrupted
        found.append(_nearest(scope, space, vector) if np.any(vector) else [])
    return found


def _nearest(scope: SearchScope, space: EmbeddingSpace, vector: np.ndarray) -> list[int]:
    with transaction.atomic():
        near = dense_leg(scope, space, vector, TOP)
    return sorted(near, key=lambda pk: (-near[pk], pk))


def _score(item: KnownItem, found: Sequence[int]) -> tuple[float, float]:
    place = next((place for place, pk in enumerate(found[:TOP], 1) if pk in item.right), 0)
    return (1.0, 1.0 / place) if place else (0.0, 0.0)


def _overlap(before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> float:
    shares = [len(set(one) & set(other)) / len(one) for one, other in zip(before, after, strict=True) if one]
    return round(float(np.mean(shares)), 4) if shares else 1.0


def _quality(pair: np.ndarray) -> Quality:
    return Quality(round(float(pair[0]), 4), round(float(pair[1]), 4))
