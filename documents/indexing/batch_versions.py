"""Stores and publishes new versions of many small documents of a corpus in a few statements.

Documents must never have been searched: there is no version to copy vectors from, and none to subtract from counts.
See versions.py for single documents.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import F

from documents.indexing.attempts import Superseded, lock_all
from documents.indexing.crash_points import checkpoint
from documents.indexing.pipeline import ReadDocument
from documents.indexing.versions import SpaceChanged, mark_ready, text_row
from documents.keywords.terms import count_all_in
from documents.models import Corpus, Document, DocumentText, EmbeddingSpace
from documents.storage.bulk_insert import ChunkRow, insert_chunk_rows, insert_embedding_rows, lock_corpus
from documents.storage.deletion import forget_versions


def store_together(reads: Sequence[ReadDocument]) -> dict[UUID, list[int]]:
    """Store texts and chunks of this run's versions; return the chunk ids by document, in the order of its pieces.

    Documents that another run has taken over are left out.
    """
    with transaction.atomic():
        mine = _newest(reads)
        for read in mine:
            if read.document.attempt > 1:
                forget_versions(read.document)  # of runs that crashed
        DocumentText.objects.bulk_create([text_row(read.document, read.extracted) for read in mine])
        rows = [
            ChunkRow(read.document.pk, read.document.attempt, piece, read.title)
            for read in mine
            for piece in read.pieces
        ]
        corpus = reads[0].document.corpus
        chunk_ids = insert_chunk_rows(corpus.pk, rows, language=corpus.language)
    stored: dict[UUID, list[int]] = {}
    for read in mine:
        stored[read.document.pk] = chunk_ids[: len(read.pieces)]
        chunk_ids = chunk_ids[len(read.pieces) :]
    return stored


def publish_together(
    space: EmbeddingSpace,
    reads: Sequence[ReadDocument],
    stored: dict[UUID, list[int]],
    vectors: np.ndarray,
    finish: Callable[[], None],
) -> set[UUID]:
    """Store the vectors (of all pieces, in their order), and make these versions the ones that are searched.

    Return the ids of the published documents: those that another run has taken over are left out. `finish` is called
    in the same transaction. Raises SpaceChanged.
    """
    with transaction.atomic():
        # The corpus is locked first, then the documents: the same order everywhere, or transactions would deadlock.
        try:
            corpus = lock_corpus(space.corpus_id)
        except Corpus.DoesNotExist:
            raise Superseded from None
        if corpus.live_space != space:
            raise SpaceChanged
        mine = {read.document.pk for read in _newest(reads)} & set(stored)
        _store_vectors(space, reads, stored, vectors, mine)
        published = [read for read in reads if read.document.pk in mine]
        count_all_in(corpus, [(read.document.pk, read.document.attempt) for read in published])
        for read in published:
            mark_ready(read.document, read.extracted, read.title, len(read.pieces))
        Corpus.objects.filter(pk=corpus.pk).update(epoch=F("epoch") + 1)
        finish()
        checkpoint("publishing")
    return mine


def _store_vectors(
    space: EmbeddingSpace,
    reads: Sequence[ReadDocument],
    stored: dict[UUID, list[int]],
    vectors: np.ndarray,
    mine: Collection[UUID],
) -> None:
    chunks: list[tuple[int, UUID]] = []
    places: list[int] = []
    place = 0
    for read in reads:
        pk = read.document.pk
        if pk in mine:
            chunks += [(chunk_id, pk) for chunk_id in stored[pk]]
            places += range(place, place + len(read.pieces))
        place += len(read.pieces)
    insert_embedding_rows(space, chunks, vectors[places])


def _newest(reads: Sequence[ReadDocument]) -> list[ReadDocument]:
    newest: set[Document] = set(lock_all([read.document for read in reads]))
    return [read for read in reads if read.document in newest]
