"""Wraps the real embedder of indexing: counts its texts, and fails on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from pytest_django import Settings

from documents.indexing import versions
from documents.models import EmbeddingSpace
from documents.vectors.embedding import embed_passages
from ragsite.deadline import Deadline


class Embedder:
    """Counts the texts, fails when told to, and else lets the real one embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.calls = 0
        self.failures: dict[int, Exception] = {}  # number of the call -> what it raises
        self.during: Callable[[], object] = lambda: None

    def __call__(self, space: EmbeddingSpace, texts: Sequence[str], *, deadline: Deadline) -> np.ndarray:
        self.calls += 1
        self.during()
        if self.calls in self.failures:
            raise self.failures[self.calls]
        self.texts += texts
        return embed_passages(space, texts, deadline=deadline)


def stand_before_the_embedder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Embedder:
    """Return the Embedder that indexing now meets; a batch has 16 chunks, and no wait takes time."""
    embedder = Embedder()
    monkeypatch.setattr(versions, "embed_passages", embedder)
    monkeypatch.setattr(versions, "SHORT_WAITS_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(versions, "EMBEDDED_CALLS_PER_BATCH", 2)
    settings.OLLAMA_EMBED_BATCH_SIZE = 8
    return embedder
