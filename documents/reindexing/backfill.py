"""Adds the missing vectors to a space in committed batches, so that it can be stopped and continued."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from documents.indexing.attempts import Interrupted
from documents.indexing.crash_points import checkpoint
from documents.indexing.versions import embed_patiently
from documents.models import Corpus, EmbeddingSpace
from documents.reindexing.coverage import missing_chunks
from documents.storage.bulk_insert import insert_embedding_rows, lock_corpus
from documents.text.chunking import Piece, embedded_text
from ragsite.errors import EmbeddingMismatch

EMBED_CALLS_PER_BATCH = 8  # two at a time: in longer batches, the model idles less
COPIED_PER_BATCH = 5000
WAITS_SECONDS = (1.0, 3.0, 10.0, 30.0)  # for a model that is busy or away; then the run fails
LONGEST_WAIT_SECONDS = 60.0

Count = Callable[[int], None]  # gets how many vectors were added
KeepGoing = Callable[[], bool]


class SpaceGone(Exception):
    """The space, or its corpus, was deleted meanwhile."""


@dataclass(frozen=True)
class Lacking:
    """A chunk without a vector, and what is embedded for it."""

    chunk_id: int
    document_id: UUID
    text: str


def fill(space: EmbeddingSpace, *, keep_going: KeepGoing = lambda: True, count: Count = lambda added: None) -> int:
    """Embed the live chunks that have no vector in the space, and return how many got one.

    Chunks that become live meanwhile may be left: call it again until it returns 0. Raises Interrupted when
    `keep_going` says so, SpaceGone, OllamaError when the model stays away, and EmbeddingMismatch when its vectors don't
    fit.
    """
    added, last = 0, 0
    size = EMBED_CALLS_PER_BATCH * settings.OLLAMA_EMBED_BATCH_SIZE
    while batch := _lacking(space, last, size):
        _stop_if_told(keep_going)
        vectors = _embed(space, [each.text for each in batch], keep_going)
        stored = _store(space, batch, vectors)
        checkpoint("filled_batch")
        added, last = added + stored, batch[-1].chunk_id
        count(stored)
    return added


def copy_vectors(source: EmbeddingSpace, target: EmbeddingSpace, *, keep_going: KeepGoing, count: Count) -> None:
    """Copy the vectors of another space of the same model to a space that only has another index."""
    last = 0
    while batch := list(
        missing_chunks(target).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:COPIED_PER_BATCH]
    ):
        _stop_if_told(keep_going)
        with transaction.atomic():
            _lock(target)
            with connection.cursor() as cursor:
                cursor.execute(_COPY, {"source": source.pk, "target": target.pk, "chunks": batch})
                count(cursor.rowcount)
        checkpoint("copied_batch")
        last = batch[-1]


# Only vectors of existing chunks: a deletion removes a chunk's vectors from every space.
_COPY = """
INSERT INTO documents_embedding (space_id, chunk_id, document_id, vector)
SELECT %(target)s, chunk_id, document_id, vector FROM documents_embedding
WHERE space_id = %(source)s AND chunk_id = ANY (%(chunks)s)
ON CONFLICT (space_id, chunk_id) DO NOTHING
"""


def _lacking(space: EmbeddingSpace, after: int, size: int) -> list[Lacking]:
    rows = missing_chunks(space).filter(pk__gt=after).order_by("pk")
    return [
        Lacking(pk, document_id, embedded_text(title, Piece(0, text, heading, None, 0, len(text))))
        for pk, document_id, title, heading, text in rows.values_list(
            "pk", "document_id", "document__title", "heading", "text"
        )[:size]
    ]


def _store(space: EmbeddingSpace, batch: Sequence[Lacking], vectors: np.ndarray) -> int:
    """Store the vectors of chunks that are still live and still have none; return how many.

    The corpus is locked meanwhile: deleting or replacing a document locks it, too, so no chunk is deleted between the
    query and the insert.
    """
    with transaction.atomic():
        _lock(space)
        wanted = set(
            missing_chunks(space).filter(pk__in=[each.chunk_id for each in batch]).values_list("pk", flat=True)
        )
        places = [place for place, each in enumerate(batch) if each.chunk_id in wanted]
        insert_embedding_rows(
            space, [(batch[place].chunk_id, batch[place].document_id) for place in places], vectors[places]
        )
    return len(places)


def _lock(space: EmbeddingSpace) -> None:
    try:
        lock_corpus(space.corpus_id)
    except Corpus.DoesNotExist:
        raise SpaceGone from None
    if not EmbeddingSpace.objects.filter(pk=space.pk).exists():
        raise SpaceGone


def _embed(space: EmbeddingSpace, texts: list[str], keep_going: KeepGoing) -> np.ndarray:
    if not connection.in_atomic_block:  # only a test has one open here
        connection.close()  # it is in the pool while a model works
    try:
        return embed_patiently(
            space,
            texts,
            keep_going,
            lambda seconds: _wait(seconds, keep_going),
            waits_seconds=WAITS_SECONDS,
            longest_wait_seconds=LONGEST_WAIT_SECONDS,
            calls=EMBED_CALLS_PER_BATCH,
        )
    except EmbeddingMismatch as exc:
        raise EmbeddingMismatch(f"{exc.message} The space is as far as it was; nothing was switched.") from exc


def _wait(seconds: float, keep_going: KeepGoing) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        _stop_if_told(keep_going)
        time.sleep(min(left, 0.5))


def _stop_if_told(keep_going: KeepGoing) -> None:
    if not keep_going():
        raise Interrupted
