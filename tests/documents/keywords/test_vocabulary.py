from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from documents.keywords.spelling import Span
from documents.keywords.terms import count_in, count_out
from documents.keywords.tokenization import PreparedText
from documents.keywords.vocabulary import _WITHIN, known_among, learn, learn_corpus, words_within
from documents.models import Corpus, Word
from documents.storage.bulk_insert import lock_corpus
from documents.storage.deletion import delete_corpus, delete_document, forget_versions
from tests.factories import make_corpus
from tests.stock import add_version, stock

pytestmark = pytest.mark.django_db


def words(corpus: Corpus) -> list[str]:
    return sorted(Word.objects.filter(corpus=corpus).values_list("word", flat=True))


def test_a_corpus_learns_the_words_of_its_documents() -> None:
    one, other = make_corpus(), make_corpus()
    stock(one, "The Überstunden of E1042, in 2018", title="Handbook", embed=False)
    stock(other, "the", embed=False)
    assert words(one) == ["handbook", "the", "überstunden"]
    assert words(other) == ["the"]


def test_words_of_scripts_without_blanks_and_endless_ones_are_left_out() -> None:
    corpus = make_corpus(language="zh")
    stock(corpus, f"数据库 ภาษา {'a' * 41} {'b' * 40}", embed=False)
    assert words(corpus) == ["b" * 40]


def test_nothing_of_a_deleted_document_stays() -> None:
    corpus = make_corpus()
    stock(corpus, "holiday and salary", embed=False)
    before = words(corpus)
    document = stock(corpus, "salaries of Rumpelstilzchen", embed=False)
    assert "rumpelstilzchen" in words(corpus)
    assert delete_document(document)
    assert [word for word in words(corpus) if word != "salaries"] == before  # a form of a word that is still there


def test_a_new_version_takes_the_words_of_the_old_one_with_it() -> None:
    corpus = make_corpus()
    document = stock(corpus, "the old rumpelstilzchen", embed=False)
    add_version(document, ["the new heidelberg"], version=2, embed=False)
    with transaction.atomic():
        locked = lock_corpus(corpus.pk)
        count_out(locked, document, 1)
        count_in(locked, document, 2)
        forget_versions(document, keep=[2])
    assert words(corpus) == ["heidelberg", "new", "the"]


def test_a_version_that_never_was_searched_leaves_no_word() -> None:
    corpus = make_corpus()
    document = stock(corpus, "the old one", embed=False)
    add_version(document, ["rumpelstilzchen and the old one"], version=2, embed=False)
    forget_versions(document, keep=[1])
    assert words(corpus) == ["old", "one", "the"]


def test_a_deleted_corpus_takes_its_words_with_it() -> None:
    corpus = make_corpus()
    stock(corpus, "holiday", embed=False)
    pk = corpus.pk
    delete_corpus(corpus)
    assert not Word.objects.filter(corpus_id=pk).exists()


def test_a_corpus_from_before_learns_what_its_live_passages_say() -> None:
    corpus = make_corpus(language="de")
    document = stock(corpus, "Überstunden", title="Handbuch", embed=False)
    add_version(document, ["unfertig"], version=2, embed=False)
    Word.objects.all().delete()
    Corpus.objects.update(has_vocabulary=False)
    learn_corpus(corpus)
    learn_corpus(corpus)
    assert words(corpus) == ["handbuch", "überstunden"]
    corpus.refresh_from_db()
    assert corpus.has_vocabulary


def test_words_are_found_by_their_beginning_and_by_their_end() -> None:
    corpus = make_corpus()
    stock(corpus, "holiday holidays Hölle birthday hollow", embed=False)
    spans = [Span("hol", "day", 6, 8), Span("", "day", 1, 40), Span("zz", "", 1, 40)]
    found = [sorted(each.word for each in near) for near in words_within(corpus, spans)]
    assert found == [["birthday", "holiday", "holidays", "hollow"], ["birthday", "holiday"], []]


def test_known_words_come_with_their_chunks() -> None:
    corpus = make_corpus()
    stock(corpus, "holidays of the year", "holiday", embed=False)
    known = known_among(corpus, ["holiday", "the", "salary"], folded=False)
    assert {word: (each.chunks, each.is_content) for word, each in known.items()} == {
        "holiday": (2, True),
        "the": (1, False),
    }


def test_words_are_looked_up_by_their_letters() -> None:
    corpus = make_corpus()
    letters = "abcdefghijklm"
    texts = [PreparedText(" ".join(f"{a}{b}{c}" for a in letters for b in letters for c in letters), None)]
    learn(corpus.pk, texts, "en")
    given: dict[str, Any] = {
        "corpus": corpus.pk,
        "beginnings": ["hol"],
        "ends": ["yad"],
        "shortest": [6],
        "longest": [8],
        "most": 9,
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE documents_word")
        cursor.execute(f"EXPLAIN {_WITHIN}", given)
        conditions = " ".join(line for (line,) in cursor.fetchall() if "Index Cond" in line)
    assert "(folded >= " in conditions
    assert "(reverse((folded)::text) >= " in conditions
