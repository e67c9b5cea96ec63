from __future__ import annotations

import pytest
from django.db import connection, transaction

from documents.keywords.terms import configuration_for, count_in, count_out, read_question, recount
from documents.models import Chunk, Corpus, TermFrequency
from documents.storage.bulk_insert import lock_corpus
from tests.factories import make_corpus
from tests.stock import add_version, stock

pytestmark = pytest.mark.django_db


def frequencies(corpus: Corpus) -> dict[int, int]:
    return dict(TermFrequency.objects.filter(corpus=corpus).values_list("term", "chunks"))


def frequency(corpus: Corpus, word: str) -> int:
    return read_question(corpus, word).terms[0].frequency


def test_words_are_stemmed_by_the_language_of_the_corpus() -> None:
    english, german = make_corpus(language="en"), make_corpus(language="de-AT")
    stock(english, "The contractors were paying invoices")
    stock(german, "Die Häuser der Verträge")
    assert frequency(english, "contractor") == frequency(english, "pays") == 1
    assert frequency(german, "Haus") == frequency(german, "Vertrag") == 1


def test_an_unknown_language_is_searched_without_stemming() -> None:
    assert configuration_for("xx") == configuration_for("vi") == "simple"
    corpus = make_corpus(language="vi")
    stock(corpus, "contractors")
    assert frequency(corpus, "contractor") == 0


def test_stop_words_are_counted_and_known_as_such() -> None:
    corpus = make_corpus(language="en")
    stock(corpus, "they are here")
    terms = {term.lexeme: term for term in read_question(corpus, "who are they, the invoices?").terms}
    assert terms["they"].frequency == 1
    assert [lexeme for lexeme, term in terms.items() if term.is_content] == ["invoic"]


def test_a_question_without_accents_finds_words_with_them() -> None:
    corpus = make_corpus(language="vi")
    stock(corpus, "nhà thầu chính", "nha khoa", "Đà Nẵng")
    assert frequency(corpus, "nha") == 2  # nhà and nha
    assert frequency(corpus, "nhà") == 1
    assert frequency(corpus, "da") == 1


def test_a_chunk_with_both_forms_of_a_word_is_counted_once() -> None:
    corpus = make_corpus(language="vi")
    stock(corpus, "la và là và lá")
    read = read_question(corpus, "la").terms[0]
    chunk = Chunk.objects.get()
    counts = dict(zip(chunk.terms, chunk.term_counts, strict=False))
    assert read.frequency == 1
    assert next(counts[term] for term in read.count_terms if term in counts) == 3


def test_words_that_occur_often_in_a_chunk_are_marked() -> None:
    corpus = make_corpus()
    stock(corpus, "tax", "tax tax", "tax tax tax tax tax")
    tax = read_question(corpus, "tax").terms[0]
    assert [tax.marked_from(level) for level in (1, 2, 3, 4)] == [2, 1, 1, 0]


def test_a_term_belongs_to_one_corpus() -> None:
    one, other = make_corpus(), make_corpus()
    stock(one, "invoice")
    stock(other, "invoice")
    assert read_question(one, "invoice").terms[0].terms != read_question(other, "invoice").terms[0].terms
    assert frequency(one, "invoice") == 1


def test_counting_in_and_out_leaves_nothing() -> None:
    corpus = make_corpus()
    stock(corpus, "the first report", "the second report about tax")
    before = (frequencies(corpus), corpus.chunk_count, corpus.lexeme_count)
    document = stock(corpus, "another report", "and a third")
    assert frequency(corpus, "report") == 3
    assert corpus.chunk_count == 4
    with transaction.atomic():
        count_out(lock_corpus(corpus.pk), document, 1)
    corpus.refresh_from_db()
    assert (frequencies(corpus), corpus.chunk_count, corpus.lexeme_count) == before


def test_counts_are_of_the_given_version_only() -> None:
    corpus = make_corpus()
    document = stock(corpus, "old words")
    add_version(document, ["new words"], version=2)
    assert frequency(corpus, "new") == 0
    with transaction.atomic():
        locked = lock_corpus(corpus.pk)
        count_out(locked, document, 1)
        count_in(locked, document, 2)
    assert (frequency(corpus, "old"), frequency(corpus, "new"), frequency(corpus, "words")) == (0, 1, 1)


def test_counting_anew_gives_what_was_kept_up_to_date() -> None:
    corpus = make_corpus(language="vi")
    stock(corpus, "nhà thầu nhà", "nha")
    stock(corpus, "hồ sơ thầu thầu", title="Hồ sơ")
    before = (frequencies(corpus), corpus.chunk_count, corpus.lexeme_count)
    TermFrequency.objects.filter(corpus=corpus).update(chunks=99)
    with transaction.atomic():
        recount(lock_corpus(corpus.pk))
    corpus.refresh_from_db()
    assert (frequencies(corpus), corpus.chunk_count, corpus.lexeme_count) == before


def test_titles_count_twice_in_the_keyword_leg() -> None:
    corpus = make_corpus()
    stock(corpus, "some text", title="Invoices")
    tax = read_question(corpus, "invoices").terms[0]
    assert tax.marked_from(1) == 1
    assert tax.marked_from(2) == 0


@pytest.mark.parametrize("question", ["", "?", "\ud800", "\x00", "' | & ! ( :*", "a" * 4000, "x " * 2000])
def test_no_question_is_an_error(question: str) -> None:
    corpus = make_corpus()
    stock(corpus, "text")
    read_question(corpus, question)


def test_every_language_of_ours_is_stemmed_where_postgres_can() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cfgname FROM pg_ts_config WHERE cfgnamespace = 'pg_catalog'::regnamespace")
        known = {name for (name,) in cursor.fetchall()}
    for code, name in {"en": "english", "fr": "french", "ru": "russian", "hi": "hindi", "ar": "arabic"}.items():
        assert (configuration_for(code) == f"ragsite_{code}") is (name in known)
