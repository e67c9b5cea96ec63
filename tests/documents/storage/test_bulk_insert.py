from __future__ import annotations

import numpy as np
import pytest
from django.db import transaction

from documents.models import Chunk, Embedding, EmbeddingSpace
from documents.storage.bulk_insert import insert_chunks, insert_embeddings
from documents.text.chunking import Piece
from documents.vectors.spaces import live_space_of
from ragsite.errors import EmbeddingMismatch
from tests.factories import make_corpus
from tests.stock import stock

pytestmark = pytest.mark.django_db


def test_ids_come_in_the_order_of_the_pieces() -> None:
    corpus = make_corpus()
    document = stock(corpus, "first")
    pieces = [Piece(place, f"piece {place}", "Path > Part", place + 1, place, place + 7) for place in range(300)]
    ids = insert_chunks(document, 2, pieces, title="Title", language="en")
    stored = {chunk.pk: chunk for chunk in Chunk.objects.filter(document=document, version=2)}
    assert [stored[pk].text for pk in ids] == [piece.text for piece in pieces]
    last = stored[ids[-1]]
    assert (last.ordinal, last.heading, last.page, last.start, last.end) == (299, "Path > Part", 300, 299, 306)
    assert len(last.content_hash) == 64
    assert last.lexeme_count > 0


def test_equal_text_has_an_equal_hash_and_another_title_another_one() -> None:
    document = stock(make_corpus())
    piece = [Piece(0, "same text", "", None, 0, 9)]
    for version, title in ((2, "One"), (3, "One"), (4, "Two")):
        insert_chunks(document, version, piece, title=title, language="en")
    first, second, third = Chunk.objects.filter(document=document).order_by("version")
    assert first.content_hash == second.content_hash != third.content_hash


def test_odd_texts_are_stored() -> None:
    document = stock(make_corpus())
    texts = ["", "∎", "a" * 100_000, "数据" * 50_000, "'; DROP TABLE x; --", "\\N\t{}"]
    pieces = [Piece(place, text, "", None, 0, len(text)) for place, text in enumerate(texts)]
    ids = insert_chunks(document, 2, pieces, title="", language="en")
    assert [Chunk.objects.get(pk=pk).text for pk in ids] == texts
    assert insert_chunks(document, 3, [], title="", language="en") == []


def test_vectors_survive_with_half_precision() -> None:
    corpus = make_corpus()
    document = stock(corpus, "one", "two", embed=False)
    chunks = list(Chunk.objects.filter(document=document).order_by("ordinal").values_list("pk", flat=True))
    vectors = np.random.default_rng(1).standard_normal((2, 256)).astype(np.float32)
    insert_embeddings(live_space_of(corpus), document, chunks, vectors)
    for chunk, vector in zip(chunks, vectors, strict=True):
        stored = Embedding.objects.get(chunk=chunk)
        assert stored.document_id == document.pk
        assert np.allclose(stored.vector, vector, atol=2e-3)


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((1, 256)),  # one is missing
        np.ones((2, 255)),  # too short for the space
        np.full((2, 256), np.nan),
        np.full((2, 256), np.inf),
        np.full((2, 256), 70000.0),  # beyond half precision
        np.zeros((2, 256)),  # no direction: its distance to anything is NaN
    ],
)
def test_vectors_that_do_not_fit_are_refused_as_a_whole(vectors: np.ndarray) -> None:
    corpus = make_corpus()
    document = stock(corpus, "one", "two", embed=False)
    chunks = list(Chunk.objects.filter(document=document).values_list("pk", flat=True))
    with pytest.raises(EmbeddingMismatch):
        insert_embeddings(live_space_of(corpus), document, chunks, vectors)
    assert not Embedding.objects.filter(document=document).exists()


def test_the_first_vectors_fix_the_dimensions_of_a_space() -> None:
    corpus = make_corpus(with_space=False)
    space = EmbeddingSpace.objects.create(corpus=corpus, provider="ollama", model="any", status="live")
    document = stock(corpus, "one", "two", embed=False)
    first, second = Chunk.objects.filter(document=document).values_list("pk", flat=True)
    stale = EmbeddingSpace.objects.get(pk=space.pk)  # another worker's idea of the space
    with transaction.atomic():
        insert_embeddings(space, document, [first], np.ones((1, 8)))
    space.refresh_from_db()
    assert space.dimensions == 8
    with pytest.raises(EmbeddingMismatch, match="8"):
        insert_embeddings(stale, document, [second], np.ones((1, 9)))
