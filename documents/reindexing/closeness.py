"""Measures the scale of a space's cosines, which differs between embedding models.

One model gives 0.3 to unrelated texts, another one 0.8. So sentences of the corpus' own chunks are used as questions
with known answers, and two mean cosines are stored with the space: to the chunk that has the sentence, and to the
nearest other chunk.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from documents.models import Corpus, Embedding, EmbeddingSpace
from documents.reindexing.comparison import known_items
from documents.reindexing.coverage import whole
from documents.search.vector_search import dense_leg
from documents.vectors.embedding import embed_questions
from ragsite.deadline import Deadline
from ragsite.errors import RagError

logger = logging.getLogger(__name__)
SAMPLE = 80  # sentences
CHUNKS_MIN = 5  # with fewer, hardly any sentence has another chunk
GROWTH = 2.0  # measured again when the number of chunks has doubled or halved
NEAREST = 10  # chunks looked at beside the right ones


@dataclass(frozen=True)
class Closeness:
    """What cosines mean in a space, measured on `sentences` of its `chunks`."""

    right: float  # mean cosine of a sentence and its chunk
    wrong: float  # ... and the nearest other chunk
    separation: float  # 2 * AUC - 1 of right against wrong: 0 is chance, 1 always tells them apart
    sentences: int
    chunks: int

    def of(self, cosine: float) -> float:
        """Return a cosine on the scale of evidence: 0 is as near as the wrong chunk, 1 as near as the right one.

        It is multiplied by `separation`: a model that doesn't know the language is weak evidence.
        """
        scale = max(self.right - self.wrong, 1e-3)
        return self.separation * (cosine - self.wrong) / scale


def closeness_of(space: EmbeddingSpace | None) -> Closeness | None:
    """Return the stored measurement of a space's cosines; None: not measured yet."""
    kept = space.measured.get("closeness") if space is not None else None
    if not isinstance(kept, Mapping):
        return None
    try:
        return Closeness(**kept)
    except TypeError:  # stored by another version of ragsite
        return None


def is_due(space: EmbeddingSpace, chunk_count: int) -> bool:
    """Return whether to measure a space: it never was, or its corpus' number of chunks has doubled or halved."""
    if chunk_count < CHUNKS_MIN or space.dimensions is None:
        return False
    known = closeness_of(space)
    return known is None or not known.chunks / GROWTH < chunk_count < known.chunks * GROWTH


def keep_closeness(space: EmbeddingSpace, chunk_count: int) -> None:
    """Measure a space's cosines if that is due, and store them with it.

    When the model's server is away, the space isn't measured, and no error is raised.
    """
    if not is_due(space, chunk_count):
        return
    try:
        measured = measure_closeness(space)
    except RagError as exc:
        logger.info("space %s is not measured: %s", space.pk, exc.code)
        return
    if measured is not None:
        with transaction.atomic():
            row = EmbeddingSpace.objects.select_for_update().filter(pk=space.pk).first()
            if row is not None:
                row.measured |= {"closeness": asdict(measured)}
                row.save(update_fields=["measured"])
        space.measured = space.measured | {"closeness": asdict(measured)}


def measure_closeness(space: EmbeddingSpace, *, sample: int = SAMPLE) -> Closeness | None:
    """Return what the space's cosines mean; None: there are too few sentences, or too few chunks that differ.

    Raises what `embed_questions` raises.
    """
    corpus = Corpus.objects.get(pk=space.corpus_id)
    items = known_items(corpus, sample)
    deadline = Deadline.after(settings.OLLAMA_EMBED_TIMEOUT_SECONDS * -(-sample // settings.OLLAMA_EMBED_BATCH_SIZE))
    vectors = embed_questions(space, [item.question for item in items], deadline=deadline)
    scope = whole(corpus)
    right, wrong = [], []
    for item, vector in zip(items, vectors, strict=True):
        if not np.any(vector):
            continue
        stored = Embedding.objects.filter(space=space, chunk__in=item.right).values_list("vector", flat=True)[:NEAREST]
        with transaction.atomic():
            near = dense_leg(scope, space, vector, len(item.right) + NEAREST)
        others = [cosine for chunk_id, cosine in near.items() if chunk_id not in item.right]
        own = [_cosine(vector, each) for each in stored]
        if own and others:
            right.append(max(own))
            wrong.append(max(others))
    if len(right) < CHUNKS_MIN:
        return None
    return Closeness(
        round(float(np.mean(right)), 4),
        round(float(np.mean(wrong)), 4),
        round(_separation(np.asarray(right), np.asarray(wrong)), 4),
        len(right),
        corpus.chunk_count,
    )


def _cosine(question: np.ndarray, stored: Any) -> float:
    vector = np.asarray(stored.to_list() if hasattr(stored, "to_list") else stored, dtype=np.float32)
    return float(question @ vector / (np.linalg.norm(question) * np.linalg.norm(vector)))


def _separation(right: np.ndarray, wrong: np.ndarray) -> float:
    """Return 2 * AUC - 1, not below 0: 1 when every right cosine is above every wrong one."""
    above = (right[:, None] > wrong[None, :]).mean() + 0.5 * (right[:, None] == wrong[None, :]).mean()
    return max(0.0, float(2 * above - 1))
