"""The question's vector in the live space of each corpus."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection

from documents.embedding import embed_question, prefixes_of
from documents.models import Corpus, EmbeddingSpace
from querying.legs import Legs, Status
from ragsite.deadline import Deadline
from ragsite.errors import DeadlineExceeded, OllamaTimeout, RagError

EMBEDDING_SHARE = 0.4  # of the time left: without the question's vector, the keyword leg still answers


@dataclass(frozen=True)
class QuestionVector:
    """The question in a space, or why it isn't."""

    space: EmbeddingSpace | None
    vector: np.ndarray | None
    status: Status


def embed_for(question: str, corpora: Sequence[Corpus], legs: Legs) -> Mapping[int, QuestionVector]:
    """Return the question's vector for each corpus, by id; equal models are asked once."""
    started = time.monotonic()
    made: dict[tuple[str, ...], tuple[np.ndarray | None, Status]] = {}
    vectors: dict[int, QuestionVector] = {}
    for corpus, space in [(corpus, corpus.live_space) for corpus in corpora]:
        if space is None or space.dimensions is None:
            vectors[corpus.pk] = QuestionVector(space, None, "skipped")  # nothing is stored in it yet
            continue
        key = (space.provider, space.model, prefixes_of(space).query)
        if key not in made:
            made[key] = _embed(question, space, legs.deadline)
        vectors[corpus.pk] = QuestionVector(space, *made[key])
    legs.note("embed", started)
    return vectors


def _embed(question: str, space: EmbeddingSpace, deadline: Deadline) -> tuple[np.ndarray | None, Status]:
    if space.provider == EmbeddingSpace.Provider.OLLAMA:
        deadline = Deadline.after(deadline.remaining() * EMBEDDING_SHARE)
        if not connection.in_atomic_block:
            connection.close()  # the pool may be smaller than the number of questions that wait for the model
    try:
        vector = embed_question(space, question, deadline=deadline)
    except RagError as exc:
        return None, "late" if isinstance(exc, DeadlineExceeded | OllamaTimeout) else "failed"
    return (vector, "ok") if np.any(vector) else (None, "skipped")
