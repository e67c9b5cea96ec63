"""Deletes documents and corpora: rows, text, vectors, statistics and files, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from documents.keywords.terms import count_out
from documents.keywords.vocabulary import forget_words
from documents.models import (
    Abbreviation,
    Chunk,
    Corpus,
    Document,
    DocumentText,
    Embedding,
    EmbeddingSpace,
    TermFrequency,
    Word,
)
from documents.storage.bulk_insert import lock_corpus
from documents.storage.file_store import remove_file
from documents.vectors.index_maintenance import stop_building
from documents.vectors.spaces import sweep_indexes
from ragsite.postgres.limits import bounded_transaction

logger = logging.getLogger(__name__)
DELETION_SECONDS = 300.0  # a web process gives its statements seconds; half a deletion is worse than a slow one

Forget = Callable[[Collection[UUID]], None]
_others: list[Forget] = []


def also_forget(forget: Forget) -> None:
    """Register `forget(document_ids)`, to be called in the transaction of every deletion and again after it.

    For apps above this one that cache text of documents. The second call removes what was written in between, by
    transactions that didn't see the deletion yet.
    """
    if forget not in _others:
        _others.append(forget)


def delete_document(document: Document) -> bool:
    """Delete a document's content, and return whether it existed.

    A row with its id, its hash and the time stays. A running indexer sees that with its next write, and writes
    nothing.
    """
    with bounded_transaction(DELETION_SECONDS):
        corpus = lock_corpus(document.corpus_id)
        locked = Document.objects.select_for_update().filter(pk=document.pk, deleted_at=None).first()
        if locked is None:
            return False
        if locked.version:
            count_out(corpus, locked, locked.version)
        forget_versions(locked)
        locked.readers.clear()
        file_key = locked.file_key
        locked.erase()
        _tell_others([locked.pk])
        Corpus.objects.filter(pk=corpus.pk).update(epoch=F("epoch") + 1)
        transaction.on_commit(lambda: remove_file(file_key))
    return True


def delete_corpus(corpus: Corpus) -> None:
    """Delete a corpus with all of its documents, chunks, vectors and files."""
    with bounded_transaction(DELETION_SECONDS):
        locked = Corpus.objects.select_for_update().filter(pk=corpus.pk).first()
        if locked is None:
            return
        ids, file_keys = [], []
        for pk, file_key in Document.objects.filter(corpus=locked).values_list("pk", "file_key"):
            ids.append(pk)
            file_keys.append(file_key)
        spaces = list(locked.spaces.all())
        # This ends running indexers: each of their writes requires a document that is not deleted.
        Document.objects.filter(corpus=locked).update(deleted_at=timezone.now())
        # Tables without dependants first and in one statement each: Django would load every row to cascade.
        Embedding.objects.filter(space__corpus=locked)._raw_delete(connection.alias)
        Chunk.objects.filter(document__corpus=locked)._raw_delete(connection.alias)
        DocumentText.objects.filter(document__corpus=locked)._raw_delete(connection.alias)
        TermFrequency.objects.filter(corpus=locked)._raw_delete(connection.alias)
        Word.objects.filter(corpus=locked)._raw_delete(connection.alias)
        Abbreviation.objects.filter(corpus=locked)._raw_delete(connection.alias)
        locked.delete()
        _tell_others(ids)
        transaction.on_commit(lambda: _clear_up(file_keys, spaces))


def forget_versions(document: Document, *, keep: Sequence[int] = ()) -> None:
    """Delete the chunks, vectors and texts of all versions of a document but `keep`, in the caller's transaction."""
    forget_words(document.pk, keep=keep)
    Abbreviation.objects.filter(document=document).exclude(version__in=keep)._raw_delete(connection.alias)
    chunks = Chunk.objects.filter(document=document).exclude(version__in=keep)
    Embedding.objects.filter(chunk__in=chunks)._raw_delete(connection.alias)
    chunks._raw_delete(connection.alias)
    DocumentText.objects.filter(document=document).exclude(version__in=keep).delete()


def _tell_others(documents: Collection[UUID]) -> None:
    for forget in _others:
        forget(documents)
        transaction.on_commit(partial(forget, documents), robust=True)


def _clear_up(file_keys: Sequence[str], spaces: Sequence[EmbeddingSpace]) -> None:
    for key in file_keys:
        remove_file(key)
    # An unused index only takes disk space: if it can't be dropped now, upkeep does it.
    try:
        for space in spaces:
            stop_building(space.index_name)
        sweep_indexes()
    except DatabaseError as exc:
        logger.warning("the index of a deleted corpus is left to upkeep: %s", type(exc).__name__)
