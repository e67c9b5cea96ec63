"""A corpus to be reindexed, and a wrapper around the embedder of reindexing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from pytest_django import Settings

from documents.indexing import versions
from documents.models import Corpus, Embedding, EmbeddingSpace
from documents.reindexing import backfill
from documents.reindexing.coverage import missing_chunks
from documents.reindexing.target import SpaceRequest
from documents.vectors.embedding import embed_passages
from documents.vectors.spaces import live_space_of
from ragsite.deadline import Deadline
from tests.factories import make_corpus
from tests.stock import stock

SUBJECTS = ("cats", "taxes", "rockets", "gardens", "violins", "bridges", "cheese", "volcanoes", "trains", "chess")
BATCH = 16  # chunks: eight calls of two


class Embedder:
    """Wraps the real embedder of reindexing: counts texts, calls `during`, fails, or returns noise."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.calls = 0
        self.during: Callable[[], object] = lambda: None
        self.failures: list[Exception] = []
        self.is_nonsense = False

    def __call__(self, space: EmbeddingSpace, texts: Sequence[str], *, deadline: Deadline) -> np.ndarray:
        self.calls += 1
        self.during()
        if self.failures:
            raise self.failures.pop()
        self.texts += texts
        vectors = embed_passages(space, texts, deadline=deadline)
        if self.is_nonsense:
            noise = np.random.default_rng(self.calls).normal(size=vectors.shape)
            vectors = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
        return vectors


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Embedder:
    embedder = Embedder()
    monkeypatch.setattr(versions, "embed_passages", embedder)
    monkeypatch.setattr(backfill, "WAITS_SECONDS", (0.0,))
    settings.OLLAMA_EMBED_BATCH_SIZE = 2
    return embedder


@pytest.fixture
def corpus() -> Corpus:
    """Forty chunks in four documents."""
    corpus = make_corpus(is_public=True)
    for year in range(4):
        passages = [
            f"In the year {1990 + year} people asked about {subject}."
            f" Report {year * 7} names {subject} of kind {year}. Nothing else was said."
            for subject in SUBJECTS
        ]
        stock(corpus, *passages, title=f"Almanac {year}")
    return corpus


HALF = SpaceRequest(dimensions=128)  # other vectors, from the same model


def vectors_in(space: EmbeddingSpace) -> int:
    return Embedding.objects.filter(space=space).count()


def is_complete(corpus: Corpus) -> bool:
    """Return whether the live space has exactly one vector for each chunk that can be found."""
    corpus.refresh_from_db()
    space = live_space_of(corpus)
    return not missing_chunks(space).exists() and vectors_in(space) == corpus.chunk_count
