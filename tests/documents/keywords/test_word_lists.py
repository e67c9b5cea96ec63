from __future__ import annotations

import pytest
from django.db import DatabaseError

from documents.keywords import word_lists
from documents.keywords.dictionary import _hashes
from documents.keywords.word_lists import read_word_lists_soon
from documents.models import Corpus
from tests.factories import make_corpus


@pytest.mark.django_db(transaction=True)
def test_the_lists_of_the_languages_of_all_corpora_are_read_at_the_start() -> None:
    make_corpus(language="de-AT")
    _hashes.cache_clear()
    read_word_lists_soon().join(timeout=30)
    before = _hashes.cache_info().misses
    assert before == 2
    assert len(_hashes("en"))
    assert len(_hashes("de"))
    assert _hashes.cache_info().misses == before


def test_without_postgres_the_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_fields: object) -> None:
        raise DatabaseError

    monkeypatch.setattr(Corpus.objects, "values_list", refuse)
    read: list[str] = []
    monkeypatch.setattr(word_lists, "load_words", read.append)
    word_lists.read_word_lists()
    assert read == ["en"]
