from __future__ import annotations

import pytest

from documents.lexicon import ReadQuestion
from documents.models import Corpus
from documents.understanding import understand
from tests.factories import make_corpus
from tests.stock import stock

pytestmark = pytest.mark.django_db


def corpus_of(*passages: str, language: str = "en") -> Corpus:
    corpus = make_corpus(language=language)
    stock(corpus, *passages, embed=False)
    return corpus


def corrections(read: ReadQuestion) -> dict[str, str]:
    return {each.typed: each.meant for each in read.corrected}


def finds(read: ReadQuestion, lexeme: str) -> bool:
    """Return whether a word is searched."""
    return any(term.lexeme == lexeme and term.frequency for term in (*read.terms, *read.others))


def unfound(read: ReadQuestion, corpus: Corpus) -> list[str]:
    """Return the words of the question that no passage of the corpus has, in any way of writing it."""
    from documents.models import Chunk

    there = {key for terms in Chunk.objects.values_list("terms", flat=True) for key in terms}
    return [term.lexeme for term in read.terms if term.is_content and there.isdisjoint(term.match_terms)]


@pytest.mark.parametrize(
    ("language", "passage", "typed", "meant"),
    [
        ("en", "Every employee has 28 days of holiday.", "holliday", "holiday"),
        ("en", "Every employee has 28 days of holiday.", "holidya", "holiday"),  # two letters changed places
        ("en", "Every employee has 28 days of holiday.", "oliday", "holiday"),  # the first one is missing
        ("en", "The accommodation is paid by Friday.", "acommodation", "accommodation"),
        ("en", "The accommodation is paid by Friday.", "acomodation", "accommodation"),  # two mistakes in a long word
        ("de", "Überstunden werden vergütet.", "überstudnen", "überstunden"),
        ("de", "Überstunden werden vergütet.", "uberstudnen", "überstunden"),  # typed without accents
        ("en", "Ask Mr Maier about the keys.", "meier", "maier"),
        ("fr", "La facture est payée.", "factuer", "facture"),
    ],
)
def test_a_misspelled_word_is_corrected_to_one_of_the_corpus(
    language: str, passage: str, typed: str, meant: str
) -> None:
    corpus = corpus_of(passage, language=language)
    read = understand(corpus, f"{typed}?")
    assert corrections(read) == {typed: meant}
    assert not unfound(read, corpus)
    assert 0 < read.terms[0].factor < 1


@pytest.mark.parametrize(
    "question",
    [
        "E1299",  # a code is not another code
        "2019",
        "hotel",  # two letters from holiday's, and short
        "bat",  # three letters are too few to tell
        "days",  # known
        "basel",  # nothing like it
        "hobby",  # a word of the language, though one letter from the passage's
        "HOLLY",  # in capitals while the rest isn't: a name
    ],
)
def test_what_may_be_right_is_left_as_it_is(question: str) -> None:
    corpus = corpus_of("Error E1233 of 2018: cat food for 28 days of holiday in the lobby with Holy.")
    read = understand(corpus, f"{question}?" if question.islower() else question)
    assert not read.corrected
    assert read.words == (question.lower(),)


def test_the_word_that_the_corpus_has_more_often_is_meant() -> None:
    corpus = corpus_of("form", "form", "farm")
    assert corrections(understand(corpus, "formm")) == {"formm": "form"}
    assert corrections(understand(corpus, "faarm")) == {"faarm": "farm"}


@pytest.mark.parametrize(
    ("language", "passage", "question", "lexeme"),
    [
        ("en", "Errors follow RFC 9457.", "RFC9457", "9457"),
        ("en", "Errors follow RFC9457.", "RFC 9457", "rfc9457"),
        ("en", "Code E 1042 means no paper.", "E1042", "1042"),
        ("en", "Code E1042 means no paper.", "E 1042", "e1042"),
        ("en", "Code E 1042 means no paper.", "E-1042", "1042"),
        ("en", "Send the time sheet.", "timesheet", "sheet"),
        ("en", "Send the timesheet.", "time sheet", "timesheet"),
        ("en", "Send the timesheet.", "time-sheet", "timesheet"),
        ("de", "Das WLAN Passwort steht am Gerät.", "WLANPasswort", "passwort"),
        ("de", "Den Urlaub regelt die Leitung, den Antrag auch.", "Urlaubsantrag", "antrag"),
        ("de", "Der Urlaubsantrag geht an die Leitung.", "Antrag Urlaub", "urlaubsantrag"),
        ("de", "Der Urlaubsantrag geht an die Leitung.", "Antrag", "urlaubsantrag"),
        ("nl", "De verzekering van de auto.", "autoverzekering", "verzeker"),
    ],
)
def test_words_are_joined_and_split_as_the_corpus_writes_them(
    language: str, passage: str, question: str, lexeme: str
) -> None:
    corpus = corpus_of(passage, language=language)
    read = understand(corpus, question)
    assert finds(read, lexeme)
    assert not unfound(read, corpus)
    assert not read.corrected


@pytest.mark.parametrize(
    ("language", "passage", "question"),
    [
        ("en", "Every employee has 28 days of holiday.", "vacation"),
        ("en", "Every employee has 28 days of holiday.", "vacations"),
        ("en", "The supervisor signs.", "boss"),
        ("de", "Das Gehalt kommt am Monatsende.", "Lohn"),
    ],
)
def test_another_word_for_the_same_is_found(language: str, passage: str, question: str) -> None:
    corpus = corpus_of(passage, language=language)
    read = understand(corpus, question)
    assert read.others
    assert all(0 < term.factor < 1 for term in read.others)
    assert not unfound(read, corpus)
    assert not read.corrected


def test_a_word_that_the_corpus_has_needs_no_other_one() -> None:
    corpus = corpus_of("Vacation is holiday.")
    assert not understand(corpus, "vacation").others


def test_a_question_of_known_words_costs_one_statement(django_assert_num_queries: object) -> None:
    corpus = corpus_of("Every employee has 28 days of holiday.")
    understand(corpus, "holiday")
    with django_assert_num_queries(1):  # type: ignore[operator]
        read = understand(corpus, "How many days of holiday has every employee?")
    assert not read.others


@pytest.mark.parametrize("question", ["", "?", "\x00", "a" * 4000, "qx " * 500, "zzzzzz" * 5, "数据库", "ภาษา"])
def test_no_question_is_an_error(question: str) -> None:
    understand(corpus_of("text", language="de"), question)
