"""A version of a document, written beside the one that is searched, until it takes its place.

Each function commits by itself and holds the document only for that; none holds anything while a model works.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from documents.attempts import Interrupted, Superseded, fenced
from documents.bulk import insert_chunks, insert_embeddings, lock_corpus
from documents.checkpoints import checkpoint
from documents.chunking import Piece
from documents.embedding import embed_passages
from documents.extraction import Extracted
from documents.forgetting import forget_versions
from documents.lexicon import count_in, count_out
from documents.models import Chunk, Corpus, Document, DocumentText, Embedding, EmbeddingSpace
from ragsite.deadline import Deadline
from ragsite.errors import OllamaBusy, OllamaUnavailable

CHUNKS_PER_INSERT = 500
EMBED_CALLS_PER_BATCH = 2  # calls to the model between two commits
SHORT_WAITS_SECONDS = (1.0, 3.0)  # for a model that is only busy; after that the document waits in the queue
SHORT_WAIT_MAX_SECONDS = 10.0
Item = TypeVar("Item")


class SpaceChanged(Exception):
    """The corpus got another embedding model while this version was embedded by the one before."""


def store_text(document: Document, extracted: Extracted, chunks: int) -> None:
    """Store the text of this run's version, and how many chunks it will have."""
    with fenced(document, chunks_total=chunks, chunks_done=0):
        DocumentText.objects.create(
            document=document,
            version=document.attempt,
            text=extracted.text,
            page_starts=list(extracted.page_starts),
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


def keep_known_vectors(document: Document, space: EmbeddingSpace) -> None:
    """Give chunks whose text this document had before the vector of then, and drop what crashed runs left."""
    with fenced(document):
        with connection.cursor() as cursor:
            cursor.execute(_COPY_VECTORS, {"space": space.pk, "document": document.pk, "version": document.attempt})
        forget_versions(document, keep=[document.version, document.attempt])


_COPY_VECTORS = """
INSERT INTO documents_embedding (space_id, chunk_id, document_id, vector)
SELECT DISTINCT ON (new.id) %(space)s, new.id, new.document_id, embedding.vector
FROM documents_chunk AS new
JOIN documents_chunk AS old
    ON old.document_id = new.document_id AND old.content_hash = new.content_hash AND old.version <> new.version
JOIN documents_embedding AS embedding ON embedding.chunk_id = old.id AND embedding.space_id = %(space)s
WHERE new.document_id = %(document)s AND new.version = %(version)s
"""


def embed_the_rest(
    document: Document, space: EmbeddingSpace, texts: dict[int, str], keep_going: Callable[[], bool]
) -> None:
    """Give a vector to each chunk that has none yet, batch by batch. `texts`: chunk id -> what is embedded."""
    known = set(
        Embedding.objects.filter(space=space, chunk__in=_chunks_of(document)).values_list("chunk_id", flat=True)
    )
    missing = [chunk_id for chunk_id in texts if chunk_id not in known]
    done = len(known)
    for batch in _batches(missing, EMBED_CALLS_PER_BATCH * settings.OLLAMA_EMBED_BATCH_SIZE):
        _stop_if_told(keep_going)
        vectors = _embed_patiently(space, [texts[chunk_id] for chunk_id in batch], keep_going)
        done += len(batch)
        with fenced(document, chunks_done=done, error_code="", error_detail=""):
            insert_embeddings(space, document, batch, vectors)
        checkpoint("embedded_batch")


def publish(document: Document, space: EmbeddingSpace, extracted: Extracted, title: str) -> None:
    """Make this run's version the one that is searched. Short: all else is stored already."""
    chunks = _chunks_of(document).count()
    # The corpus first, then the document: whoever else takes both takes them in this order.
    with _corpus_and_fence(document) as corpus:
        if corpus.live_space != space:
            raise SpaceChanged
        if document.version:
            count_out(corpus, document, document.version)
        count_in(corpus, document, document.attempt)
        forget_versions(document, keep=[document.attempt])
        Document.objects.filter(pk=document.pk).update(
            version=document.attempt,
            status=Document.Status.READY,
            title=title,
            media_type=extracted.media_type[:100],
            pages=len(extracted.page_starts) or None,
            chunks_total=chunks,
            chunks_done=chunks,
            crashes=0,
            error_code="",
            error_detail="",
            indexed_at=timezone.now(),
        )
        Corpus.objects.filter(pk=corpus.pk).update(epoch=F("epoch") + 1)
        checkpoint("publishing")


def _embed_patiently(space: EmbeddingSpace, texts: list[str], keep_going: Callable[[], bool]) -> np.ndarray:
    """Embed a batch; a model that fails gets two more chances, so that a hiccup doesn't cost a whole run."""
    for wait_seconds in SHORT_WAITS_SECONDS:
        _release_connection()
        try:
            return _embed(space, texts)
        except (OllamaUnavailable, OllamaBusy) as exc:
            time.sleep(min(exc.retry_after_seconds or wait_seconds, SHORT_WAIT_MAX_SECONDS))
            _stop_if_told(keep_going)
    return _embed(space, texts)


def _embed(space: EmbeddingSpace, texts: list[str]) -> np.ndarray:
    return embed_passages(
        space, texts, deadline=Deadline.after(EMBED_CALLS_PER_BATCH * settings.OLLAMA_EMBED_TIMEOUT_SECONDS)
    )


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


def _release_connection() -> None:
    """Give the connection back while a model works; after that, a fresh one survives a restart of the database."""
    if not connection.in_atomic_block:  # only a test has one open here, and would lose it
        connection.close()


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
