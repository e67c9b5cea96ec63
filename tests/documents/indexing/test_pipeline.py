"""The indexing of one document without failures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from documents.indexing.pipeline import index_document
from documents.indexing.queue import reindex_document
from documents.models import Chunk, Corpus, Document, DocumentText, Embedding, TermFrequency
from documents.uploads.acceptance import replace_file
from tests.documents.embedder import Embedder, stand_before_the_embedder
from tests.factories import make_corpus
from tests.uploads import chunks_of, make_text, upload, vectors_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Embedder:
    return stand_before_the_embedder(monkeypatch, settings)


def statistics(corpus: Corpus) -> Any:
    corpus.refresh_from_db()
    terms = TermFrequency.objects.filter(corpus=corpus).order_by("term").values_list("term", "chunks")
    return corpus.chunk_count, corpus.lexeme_count, list(terms)


def test_a_document_becomes_searchable_with_its_text_chunks_vectors_and_statistics() -> None:
    corpus = make_corpus()
    document = upload(corpus, make_text(30), "policy.txt")
    assert index_document(document.pk) == "ready"
    document.refresh_from_db()
    text = DocumentText.objects.get(document=document, version=document.version).text
    chunks = list(Chunk.objects.filter(document=document, version=document.version).order_by("ordinal"))
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert len(chunks) >= 30
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert vectors_of(document) == len(chunks)
    assert (document.chunks_done, document.chunks_total) == (len(chunks), len(chunks))
    assert document.media_type == "text/plain"
    assert document.indexed_at is not None
    corpus.refresh_from_db()
    assert (corpus.chunk_count, corpus.epoch) == (len(chunks), 1)
    assert TermFrequency.objects.filter(corpus=corpus).exists()


def test_a_ready_document_is_not_indexed_again() -> None:
    document = upload(make_corpus())
    index_document(document.pk)
    assert index_document(document.pk) is None
    document.refresh_from_db()
    assert document.attempt == 1


def test_no_transaction_is_open_while_a_model_works(embedder: Embedder) -> None:
    depths: list[int] = []
    outside = len(connection.savepoint_ids)
    embedder.during = lambda: depths.append(len(connection.savepoint_ids) - outside)
    index_document(upload(make_corpus(), make_text(40)).pk)
    assert depths == [0, 0, 0]


def test_progress_is_stored_with_each_batch(embedder: Embedder) -> None:
    document = upload(make_corpus(), make_text(40))
    seen: list[tuple[int, int]] = []
    embedder.during = lambda: seen.append(Document.objects.values_list("chunks_done", "chunks_total").get())
    index_document(document.pk)
    assert seen == [(0, 40), (16, 40), (32, 40)]


def test_a_new_version_replaces_the_old_one_and_its_statistics() -> None:
    corpus, other = make_corpus(), make_corpus()
    document = upload(corpus, make_text(20, seed=1))
    index_document(document.pk)
    document.refresh_from_db()
    changed = replace_file(document, file=io.BytesIO(make_text(10, seed=2).encode()))
    assert index_document(changed.pk) == "ready"
    fresh = upload(other, make_text(10, seed=2))
    index_document(fresh.pk)
    assert [row[:6] for row in chunks_of(document)] == [row[:6] for row in chunks_of(fresh)]
    assert vectors_of(document) == 10
    assert DocumentText.objects.filter(document=document).count() == 1
    counts, lengths, terms = statistics(corpus)
    other_counts, other_lengths, other_terms = statistics(other)
    assert (counts, lengths) == (other_counts, other_lengths)
    assert sorted(chunks for _, chunks in terms) == sorted(chunks for _, chunks in other_terms)
    assert corpus.epoch == 2


def test_chunks_that_did_not_change_keep_their_vectors(embedder: Embedder) -> None:
    text = make_text(40)
    document = upload(make_corpus(), text)
    index_document(document.pk)
    before = dict(Embedding.objects.values_list("chunk__content_hash", "vector"))
    embedder.texts.clear()
    replace_file(document, file=io.BytesIO((text + "\n\nA new paragraph at the end.").encode()))
    assert index_document(document.pk) == "ready"
    assert len(embedder.texts) == 1
    after = dict(Embedding.objects.values_list("chunk__content_hash", "vector"))
    kept = before.keys() & after.keys()
    assert len(kept) >= 39
    assert all(before[key] == after[key] for key in kept)


def test_a_reindexed_document_is_found_meanwhile(embedder: Embedder) -> None:
    document = upload(make_corpus(), make_text(5))
    index_document(document.pk)
    again = reindex_document(document)
    assert (again.status, again.version) == ("processing", 1)
    embedder.texts.clear()
    assert index_document(document.pk) == "ready"
    assert embedder.texts == []
    document.refresh_from_db()
    assert document.version == 3


def test_the_title_of_the_file_itself_is_better_than_its_name_but_not_than_a_given_one() -> None:
    page = "<html><head><title>Travel policy</title></head><body><p>Rail is preferred to air.</p></body></html>"
    named = upload(make_corpus(), page, "export-0042.html")
    given = upload(make_corpus(), page, "export-0042.html", title="Our rules")
    index_document(named.pk)
    index_document(given.pk)
    named.refresh_from_db()
    given.refresh_from_db()
    assert (named.title, given.title) == ("Travel policy", "Our rules")


def test_headings_of_markdown_are_kept(tmp_path: Path) -> None:
    document = upload(make_corpus(), "# Pay\n\n## Holidays\n\nThirty days a year.", "pay.md")
    index_document(document.pk)
    assert "Pay > Holidays" in [heading for _, _, heading, *_ in chunks_of(document)]
