"""A synthetic corpus is what indexing the same texts would have left."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from django.db import connection
from pytest_django import Settings

from documents.keywords.terms import recount
from documents.models import Chunk, Corpus, Document, Embedding, TermFrequency
from documents.storage.bulk_insert import ChunkRow, insert_chunk_rows
from documents.text.chunking import Piece, embedded_text
from documents.vectors.embedding import embed_passages
from documents.vectors.spaces import has_index
from monitoring.lab.benchmarks.data.bulk_corpus import SHARES, filter_of, load, plan_of
from ragsite.deadline import Deadline

SIZE = 120
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus() -> Corpus:
    load("made-up", SIZE)
    return Corpus.objects.get(slug="made-up")


def piece_of(chunk: Chunk) -> Piece:
    return Piece(chunk.ordinal, chunk.text, chunk.heading, chunk.page, chunk.start, chunk.end)


def counted(chunk: Chunk) -> tuple[dict[int, int], set[int], int]:
    """Return how often each lexeme's term occurs, the marks, and the length."""
    lexemes = len(chunk.term_counts)
    counts = dict(zip(chunk.terms[:lexemes], chunk.term_counts, strict=True))
    return counts, set(chunk.terms[lexemes:]), chunk.lexeme_count


def test_terms_are_those_that_indexing_stores(corpus: Corpus) -> None:
    made = list(Chunk.objects.order_by("pk").select_related("document"))
    rows = [ChunkRow(each.document_id, 2, piece_of(each), each.document.title) for each in made]
    indexed = Chunk.objects.in_bulk(insert_chunk_rows(corpus.pk, rows, language="en"))
    assert any(counted(each)[1] for each in made), "no word is twice in a passage: marks would not be compared"
    for chunk, other in zip(made, indexed.values(), strict=True):
        assert counted(chunk) == counted(other)
        assert chunk.content_hash == other.content_hash


def test_vectors_are_those_of_the_embedder(corpus: Corpus) -> None:
    space = corpus.live_space
    assert space is not None
    made = list(Chunk.objects.order_by("pk").select_related("document")[:20])
    texts = [embedded_text(each.document.title, piece_of(each)) for each in made]
    wanted = embed_passages(space, texts, deadline=Deadline.after(60))
    stored = np.array(
        [
            np.asarray(vector, dtype=np.float32)
            for vector in Embedding.objects.filter(chunk__in=made).order_by("chunk").values_list("vector", flat=True)
        ]
    )
    # Only the first word after the title's line is cut into other tokens.
    assert ((stored * wanted).sum(axis=1) > 0.99).all()
    assert Embedding.objects.filter(space=space).count() == SIZE


def test_counts_are_those_of_real_counting(corpus: Corpus) -> None:
    chunks = list(Chunk.objects.all())
    frequencies = Counter(term for chunk in chunks for term in chunk.terms)
    assert dict(TermFrequency.objects.filter(corpus=corpus).values_list("term", "chunks")) == dict(frequencies)
    assert corpus.chunk_count == len(chunks) == SIZE
    assert corpus.lexeme_count == sum(chunk.lexeme_count for chunk in chunks)
    before = (corpus.chunk_count, corpus.lexeme_count)
    recount(corpus)
    assert (corpus.chunk_count, corpus.lexeme_count) == before
    assert sum(Document.objects.values_list("chunks_total", flat=True)) == SIZE


def test_the_next_document_gets_a_chunk_id_of_its_own(corpus: Corpus) -> None:
    document = Document.objects.get(pk=Chunk.objects.earliest("pk").document_id)
    last = Chunk.objects.latest("pk").pk
    (added,) = insert_chunk_rows(
        corpus.pk, [ChunkRow(document.pk, 2, Piece(0, "One more.", "", None, 0, 9), "T")], language="en"
    )
    assert added > last


def test_each_filter_leaves_its_share(corpus: Corpus) -> None:
    plan = plan_of(SIZE)
    for share in SHARES:
        metadata = filter_of(share)["metadata"]
        found = Chunk.objects.filter(document__metadata__contains=metadata).count()
        assert found == plan.passages_in(share) >= share * SIZE


def test_small_shares_of_a_large_corpus_are_exact() -> None:
    plan = plan_of(100_000)
    assert [plan.passages_in(share) for share in SHARES] == [10, 100, 1_000, 10_000, 50_000, 100_000]


def test_a_large_one_has_the_index_of_its_vectors_and_that_of_the_terms_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 50
    monkeypatch.setattr("monitoring.lab.benchmarks.data.bulk_corpus.REBUILD_FROM", 100)
    load("large", SIZE)
    space = Corpus.objects.get(slug="large").live_space
    assert space is not None
    assert has_index(space)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('idx_chunks_terms')")
        assert cursor.fetchone() == (True,)
