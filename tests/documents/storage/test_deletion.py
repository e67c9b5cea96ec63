"""Deletion removes all content of a document or corpus, at once and for good."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.db import connections

from documents.indexing.attempts import Superseded, claim, fenced
from documents.indexing.pipeline import index_document
from documents.models import Chunk, Corpus, Document, DocumentText, Embedding, EmbeddingSpace, TermFrequency
from documents.storage.bulk_insert import insert_chunks
from documents.storage.deletion import delete_corpus, delete_document
from documents.storage.file_store import path_of
from documents.text.chunking import Piece
from tests.factories import make_corpus
from tests.uploads import make_text, stored_files, upload

pytestmark = pytest.mark.django_db

SECRET = "the merger with Globex"


def test_nothing_of_a_deleted_document_is_left(django_capture_on_commit_callbacks: Any) -> None:
    corpus = make_corpus()
    document = upload(corpus, SECRET, "merger.txt", title="Merger", metadata={"about": "Globex"})
    index_document(document.pk)
    key = Document.objects.get(pk=document.pk).file_key
    with django_capture_on_commit_callbacks(execute=True):
        assert delete_document(document)
    assert not path_of(key).exists()
    for model in (Chunk, Embedding, DocumentText, TermFrequency):
        assert not model._default_manager.exists(), model
    tombstone = Document.objects.get(pk=document.pk)
    assert tombstone.deleted_at is not None
    assert "Globex" not in str(tombstone.__dict__)
    assert "erger" not in str(tombstone.__dict__)
    corpus.refresh_from_db()
    assert (corpus.chunk_count, corpus.lexeme_count, corpus.epoch) == (0, 0, 2)


def test_other_documents_keep_their_statistics() -> None:
    corpus, alone = make_corpus(), make_corpus()
    kept, gone = upload(corpus, make_text(5, seed=1)), upload(corpus, make_text(5, seed=2))
    compared = upload(alone, make_text(5, seed=1))
    for document in (kept, gone, compared):
        index_document(document.pk)
    gone.refresh_from_db()
    delete_document(gone)
    corpus.refresh_from_db()
    alone.refresh_from_db()
    assert (corpus.chunk_count, corpus.lexeme_count) == (alone.chunk_count, alone.lexeme_count)
    assert TermFrequency.objects.filter(corpus=corpus).count() == TermFrequency.objects.filter(corpus=alone).count()


def test_the_same_bytes_may_come_back_as_a_new_document() -> None:
    corpus = make_corpus()
    document = upload(corpus, SECRET)
    delete_document(document)
    again = upload(corpus, SECRET)
    assert again.pk != document.pk
    assert index_document(again.pk) == "ready"


def test_deleting_twice_does_nothing_the_second_time() -> None:
    document = upload(make_corpus())
    assert delete_document(document)
    assert not delete_document(document)


def test_a_run_of_the_indexer_can_not_bring_a_document_back() -> None:
    document = upload(make_corpus())
    run = claim(document.pk)
    assert run is not None
    delete_document(document)
    with pytest.raises(Superseded), fenced(run):
        pytest.fail("the transaction must not begin")
    assert index_document(document.pk) is None


def test_a_deleted_corpus_takes_everything_with_it(django_capture_on_commit_callbacks: Any) -> None:
    corpus, other = make_corpus(), make_corpus()
    for text in ("one", "two"):
        index_document(upload(corpus, text).pk)
    kept = upload(other, "three")
    index_document(kept.pk)
    delete_corpus(corpus)
    assert not Corpus.objects.filter(pk=corpus.pk).exists()
    assert not EmbeddingSpace.objects.filter(corpus=corpus.pk).exists()
    assert set(Chunk.objects.values_list("document", flat=True)) == {kept.pk}
    assert set(Embedding.objects.values_list("document", flat=True)) == {kept.pk}
    assert not TermFrequency.objects.filter(corpus=corpus.pk).exists()
    delete_corpus(corpus)


@pytest.mark.django_db(transaction=True)
def test_a_corpus_may_be_deleted_while_its_documents_are_indexed() -> None:
    corpus = make_corpus()
    document = upload(corpus, make_text(5))
    run = claim(document.pk)
    assert run is not None
    in_batch, deleted = Event(), Event()

    def write_a_batch() -> None:
        try:
            with fenced(run):
                in_batch.set()
                time.sleep(0.3)  # the deletion begins meanwhile
                insert_chunks(run, run.attempt, [Piece(0, "x", "", None, 0, 1)], title="", language="en")
            deleted.wait(10)
            with pytest.raises(Superseded), fenced(run):
                pytest.fail("the transaction must not begin")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as executor:
        written = executor.submit(write_a_batch)
        in_batch.wait(10)
        delete_corpus(corpus)
        deleted.set()
        written.result()
    assert not Chunk.objects.exists()
    assert not Document.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_files_of_a_deleted_corpus_go_with_the_commit() -> None:
    corpus = make_corpus()
    upload(corpus, "one")
    upload(corpus, "two")
    assert stored_files() == 2
    delete_corpus(corpus)
    assert stored_files() == 0
