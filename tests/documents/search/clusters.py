"""A corpus with clustered vectors, as real texts have, and filters that select a given share of it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from django.db import connection, transaction

from documents.keywords.terms import recount
from documents.models import Corpus, Document, EmbeddingSpace
from documents.storage.bulk_insert import ChunkRow, insert_chunk_rows, insert_embedding_rows, lock_corpus
from documents.text.chunking import Piece
from documents.vectors.spaces import ensure_index
from tests.factories import make_corpus

DIMENSIONS = 128
CLUSTERS = 20
CHUNKS_PER_DOCUMENT = 10
PARTS = (10, 60, 300, 310, 600, 1500, 3000)  # chunks; so many of the first documents are `{"first_<part>": true}`


def clustered(count: int, *, seed: int = 7) -> np.ndarray:
    """Return that many vectors; like a Matryoshka model's, most is in their first numbers."""
    random = np.random.default_rng(seed)
    weights = np.linspace(1.5, 0.5, DIMENSIONS)
    centres = random.normal(size=(CLUSTERS, DIMENSIONS))
    noise = random.normal(size=(count, DIMENSIONS))
    vectors = (centres[random.integers(CLUSTERS, size=count)] + 0.7 * noise) * weights
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _metadata(number: int) -> dict[str, bool]:
    return {f"first_{part}": number * CHUNKS_PER_DOCUMENT < part for part in PARTS}


def make_clusters(count: int, **index_settings: Any) -> tuple[Corpus, EmbeddingSpace]:
    """Return a corpus of so many chunks with its space and, if it is large enough, its index.

    Filters leave the PARTS of it.
    """
    corpus = make_corpus(with_space=False, is_public=True)
    space = EmbeddingSpace.objects.create(
        corpus=corpus, provider="ollama", model="clustered", dimensions=DIMENSIONS, status="live",
        index_settings=index_settings,
    )  # fmt: skip
    with transaction.atomic():
        documents = Document.objects.bulk_create(
            Document(
                tenant=corpus.tenant, corpus=corpus, title="", version=1, status="ready", metadata=_metadata(number),
                sha256=hashlib.sha256(f"{corpus.pk}-{number}".encode()).hexdigest(), chunks_total=CHUNKS_PER_DOCUMENT,
            )
            for number in range(count // CHUNKS_PER_DOCUMENT)
        )  # fmt: skip
        rows = [
            ChunkRow(document.pk, 1, Piece(place, "text", "", None, 0, 4), "")
            for document in documents
            for place in range(CHUNKS_PER_DOCUMENT)
        ]
        ids = insert_chunk_rows(corpus.pk, rows, language="en")
        chunks = [(pk, row.document_id) for pk, row in zip(ids, rows, strict=True)]
        insert_embedding_rows(space, chunks, clustered(len(rows)))
        recount(lock_corpus(corpus.pk))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE documents_embedding, documents_chunk, documents_document")
    corpus.refresh_from_db()
    ensure_index(space)
    return corpus, space
