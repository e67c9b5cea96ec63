"""Writes a new version of a document beside the live one, and publishes it.

Each function commits its own short transactions; no lock is held while a model works.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from documents.extraction import Extracted
from documents.indexing.attempts import Interrupted, Superseded, fenced
from documents.indexing.crash_points import checkpoint
from documents.indexing.embedding_prefetch import CALLS_AHEAD, Pause, vectors_ahead
from documents.keywords.terms import count_in, count_out
from documents.models import Chunk, Corpus, Document, DocumentText, Embedding, EmbeddingSpace
from documents.storage.bulk_insert import content_hash, insert_chunks, insert_embeddings, lock_corpus
from documents.storage.deletion import forget_versions
from documents.text.chunking import Piece
from documents.text.extraction_notes import as_stored, is_partial
from documents.vectors.embedding import embed_passages
from ragsite.deadline import Deadline
from ragsite.errors import EmbeddingMismatch, OllamaBusy, OllamaUnavailable

CHUNKS_PER_INSERT = 500
EMBEDDED_CALLS_PER_BATCH = 4  # the built-in model has no calls: its batches are as large as so many
SHORT_WAITS_SECONDS = (1.0, 3.0)  # for a model that is only busy; after that the document waits in the queue
LONGEST_SHORT_WAIT_SECONDS = 10.0
Item = TypeVar("Item")
Vectors = Iterator[np.ndarray]


class SpaceChanged(Exception):
    """The corpus got another live space while this version was embedded for the previous one."""


def store_text(document: Document, extracted: Extracted, chunks: int) -> None:
    """Store the text of this run's version, and how many chunks it will have."""
    with fenced(document, chunks_total=chunks, chunks_done=0):
        text_row(document, extracted).save(force_insert=True)


def text_row(document: Document, extracted: Extracted) -> DocumentText:
    """Return the row that holds the text of this run's version."""
    return DocumentText(
        document=document,
        version=document.attempt,
        text=extracted.text,
        page_starts=list(extracted.page_starts),
        hidden_text=extracted.hidden,
    )


def store_chunks(document: Document, pieces: Sequence[Piece], title: str, keep_going: Callable[[], bool]) -> list[int]:
    """Store the chunks of this run's version, and return their ids in the order of the pieces."""
    chunk_ids: list[int] = []
    for batch in _batches(pieces, CHUNKS_PER_INSERT):
        _stop_if_told(keep_going)
        with fenced(document):
            chunk_ids += insert_chunks(
                document, document.attempt, batch, title=title, language=document.corpus.language
            )
        checkpoint("stored_chunk_batch")
    return chunk_ids


@dataclass(frozen=True)
class Planned:
    """How the pieces of this run's version get their vectors, by their places among the pieces."""

    known: dict[int, int]  # place -> a chunk of another version of the document that has the same text, and a vector
    missing: list[int]  # places of those that are to be embedded


def plan_vectors(document: Document, space: EmbeddingSpace, texts: Sequence[str]) -> Planned:
    """Return which pieces have a known vector. `texts` are what is embedded for each piece."""
    others = list(
        Chunk.objects.filter(document=document).exclude(version=document.attempt).values_list("content_hash", "pk")
    )
    # A second query instead of a join: without statistics of rows that were just written, Postgres would compare each
    # chunk with each.
    have_vectors = set(
        Embedding.objects.filter(space=space, chunk__in=[chunk_id for _, chunk_id in others]).values_list(
            "chunk_id", flat=True
        )
    )
    by_hash = {content: chunk_id for content, chunk_id in others if chunk_id in have_vectors}
    known: dict[int, int] = {}
    missing: list[int] = []
    for place, text in enumerate(texts):
        chunk_id = by_hash.get(content_hash(text))
        if chunk_id is None:
            missing.append(place)
        else:
            known[place] = chunk_id
    return Planned(known, missing)


def keep_known_vectors(document: Document, space: EmbeddingSpace, planned: Planned, chunk_ids: Sequence[int]) -> None:
    """Copy the vectors of the known pieces, and delete what crashed runs left. Raises SpaceChanged."""
    new = [chunk_ids[place] for place in planned.known]
    with fenced(document):
        if new:
            with connection.cursor() as cursor:
                cursor.execute(
                    _COPY_VECTORS,
                    {"space": space.pk, "document": document.pk, "new": new, "old": list(planned.known.values())},
                )
                if cursor.rowcount != len(new):
                    raise SpaceChanged
        forget_versions(document, keep=[document.version, document.attempt])


_COPY_VECTORS = """
INSERT INTO documents_embedding (space_id, chunk_id, document_id, vector)
SELECT %(space)s, given.new, %(document)s, embedding.vector
FROM unnest(%(new)s::bigint[], %(old)s::bigint[]) AS given (new, old)
JOIN documents_embedding AS embedding ON embedding.chunk_id = given.old AND embedding.space_id = %(space)s
"""


@contextlib.contextmanager
def embedding(space: EmbeddingSpace, texts: Sequence[str], keep_going: Callable[[], bool]) -> Iterator[Vectors]:
    """Yield an iterator over the vectors of all texts, in batches that the caller commits.

    A model server is kept busy from the start (`embedding_prefetch`): a batch has the vectors of one call, and a crash
    loses two calls at most. The embedded model computes each batch when the iterator is asked for it.
    """
    if space.provider == EmbeddingSpace.Provider.EMBEDDED:
        batches = _batches(texts, EMBEDDED_CALLS_PER_BATCH * settings.OLLAMA_EMBED_BATCH_SIZE)
        yield _one_by_one(space, batches, keep_going)
        return
    calls = list(_batches(texts, settings.OLLAMA_EMBED_BATCH_SIZE))
    with vectors_ahead(partial(embed_patiently, space), calls, keep_going) as vectors:
        yield _without_connection(vectors)


def embed_the_rest(
    document: Document, space: EmbeddingSpace, chunk_ids: Sequence[int], known: int, vectors: Vectors
) -> None:
    """Store the vectors of the chunks batch by batch. `known`: how many other chunks have one already."""
    stored = 0
    for batch in vectors:
        done = stored + len(batch)
        with fenced(document, chunks_done=known + done, error_code="", error_detail=""):
            insert_embeddings(space, document, chunk_ids[stored:done], batch)
        stored = done
        checkpoint("embedded_batch")


def publish(document: Document, space: EmbeddingSpace, extracted: Extracted, title: str) -> None:
    """Make this run's version the one that is searched, in one short transaction: all is stored already."""
    chunks = _chunks_of(document).count()
    # The corpus is locked first, then the document: the same order everywhere, or transactions would deadlock.
    with _corpus_and_fence(document) as corpus:
        if corpus.live_space != space:
            raise SpaceChanged
        if document.version:
            count_out(corpus, document, document.version)
        count_in(corpus, document, document.attempt)
        forget_versions(document, keep=[document.attempt])
        mark_ready(document, extracted, title, chunks)
        Corpus.objects.filter(pk=corpus.pk).update(epoch=F("epoch") + 1)
        checkpoint("publishing")


def mark_ready(document: Document, extracted: Extracted, title: str, chunks: int) -> None:
    """Store that this run's version is the one that is searched; the caller holds the document's row."""
    Document.objects.filter(pk=document.pk).update(
        version=document.attempt,
        status=Document.Status.READY,
        title=title,
        media_type=extracted.media_type[:100],
        pages=len(extracted.page_starts) or None,
        notes=[as_stored(note) for note in extracted.notes],
        is_partial=is_partial(extracted.notes),
        chunks_total=chunks,
        chunks_done=chunks,
        crashes=0,
        error_code="",
        error_detail="",
        indexed_at=timezone.now(),
    )


def _one_by_one(space: EmbeddingSpace, batches: Iterator[Sequence[str]], keep_going: Callable[[], bool]) -> Vectors:
    for texts in batches:
        yield embed_patiently(space, texts, keep_going, time.sleep)


def _without_connection(vectors: Vectors) -> Vectors:
    """Yield the vectors; while this thread waits for them, its connection is in the pool.

    Taking a connection from the pool afterwards also survives a restart of the database meanwhile.
    """
    while True:
        if not connection.in_atomic_block:  # only a test has one open here, and would lose it
            connection.close()
        found = next(vectors, None)
        if found is None:
            return
        yield found


def embed_patiently(
    space: EmbeddingSpace,
    texts: Sequence[str],
    keep_going: Callable[[], bool],
    pause: Pause,
    *,
    waits_seconds: Sequence[float] | None = None,
    longest_wait_seconds: float = LONGEST_SHORT_WAIT_SECONDS,
    calls: int = CALLS_AHEAD,
) -> np.ndarray:
    """Return the vectors of texts; a model that fails is asked again after each wait, by default twice.

    `pause` sleeps so many seconds. `calls` is how many calls to the model's server the deadline has to last for: by
    default this one, behind those that are under way already.

    Raises Interrupted when `keep_going` says so, and what `embed_passages` raises when the last try fails.
    """

    def embed() -> np.ndarray:
        if not keep_going():
            raise Interrupted
        return embed_passages(space, texts, deadline=Deadline.after(calls * settings.OLLAMA_EMBED_TIMEOUT_SECONDS))

    for wait_seconds in SHORT_WAITS_SECONDS if waits_seconds is None else waits_seconds:
        try:
            return embed()
        except (OllamaUnavailable, OllamaBusy, EmbeddingMismatch) as exc:
            pause(min(max(exc.retry_after_seconds or 0.0, wait_seconds), longest_wait_seconds))
    return embed()


@contextlib.contextmanager
def _corpus_and_fence(document: Document) -> Iterator[Corpus]:
    with transaction.atomic():
        try:
            corpus = lock_corpus(document.corpus_id)
        except Corpus.DoesNotExist:
            raise Superseded from None
        with fenced(document):
            yield corpus


def _chunks_of(document: Document) -> QuerySet[Chunk]:
    """Return the chunks that this run wrote."""
    return Chunk.objects.filter(document=document, version=document.attempt)


def _stop_if_told(keep_going: Callable[[], bool]) -> None:
    if not keep_going():
        raise Interrupted


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
