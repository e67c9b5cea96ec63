"""Statistics of a corpus that BM25 reads from its row."""

from __future__ import annotations

from documents.models import Corpus


def test_the_average_length_is_that_of_its_chunks_and_never_zero() -> None:
    assert Corpus(chunk_count=4, lexeme_count=100).average_length == 25.0
    assert Corpus(chunk_count=0, lexeme_count=0).average_length == 1.0
