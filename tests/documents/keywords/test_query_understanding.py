from __future__ import annotations

import pytest

from documents.keywords.bm25 import idf
from documents.keywords.query_expansion import OTHERS_MAX
from documents.keywords.query_understanding import understand
from documents.keywords.terms import ReadQuestion
from documents.models import Corpus
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


def factor_of(read: ReadQuestion, lexeme: str) -> float:
    return next(term.factor for term in read.others if term.lexeme == lexeme)


@pytest.mark.parametrize(
    ("language", "passages", "question", "lexeme"),
    [
        ("en", ["Vacation lists are kept.", "Every employee has 28 days of holiday."], "vacation", "holiday"),
        ("en", ["Sick pay is the salary.", "Whoever is ill calls the duty desk."], "Who is sick?", "ill"),
        ("en", ["The annual meeting is in May.", "28 days of holiday"], "How much annual leave?", "holiday"),
        (
            "en",
            ["The vehicle is washed.", "Whoever hands in the notice: the period is short."],
            "How do I quit?",
            "notic",
        ),
        ("en", ["Who is at home on Mondays calls from there."], "working remotely", "home"),
        ("en", ["It weighs 38 kg."], "How heavy is it?", "weigh"),
        ("de", ["Das Gehalt kommt am 28.", "Lohn"], "Löhne", "gehalt"),
        ("de", ["Hunde brauchen Zustimmung."], "Haustiere", "hund"),
        ("vi", ["Mỗi nhân viên có 14 ngày nghỉ phép."], "nghi le", "phép"),
    ],
)
def test_another_word_is_searched_beside_one_that_the_corpus_has(
    language: str, passages: list[str], question: str, lexeme: str
) -> None:
    corpus = corpus_of(*passages, language=language)
    read = understand(corpus, question)
    assert finds(read, lexeme)
    assert 0 < factor_of(read, lexeme) < 1
    assert read.alike


def test_another_word_weighs_less_than_the_one_that_was_asked() -> None:
    corpus = corpus_of(*["a vacation"] * 9, "28 days of holiday", "nothing")
    read = understand(corpus, "vacation")
    chunks = corpus.chunk_count
    asked, other = read.terms[0], read.others[0]
    assert other.factor * idf(chunks, other.frequency) < idf(chunks, asked.frequency)


def test_a_few_other_words_are_enough() -> None:
    corpus = corpus_of("cost", "price", "fee", "rate", "charge", "expensive", "expense", "outlay")
    assert len(understand(corpus, "cost").others) == OTHERS_MAX


def test_a_phrase_stands_for_what_it_says_only_as_a_whole() -> None:
    corpus = corpus_of("The annual report", "time")
    assert not understand(corpus, "vacation").others


@pytest.mark.parametrize(
    ("language", "passage", "question", "lexeme"),
    [
        ("en", "The Virtual Private Network (VPN) is slow.", "What is a virtual private network?", "vpn"),
        ("en", "The Virtual Private Network (VPN) is slow.", "Is the vpn slow?", "network"),
        ("en", "Multi-factor authentication (MFA) is on.", "multi-factor authentication", "mfa"),
        ("en", "All with VAT (value added tax).", "value added tax", "vat"),
        ("de", "Die Datenschutzbeauftragte (DSB) ist neu.", "DSB", "datenschutzbeauftragt"),
        ("vi", "Công nghệ thông tin (CNTT)", "cong nghe thong tin", "cntt"),
    ],
)
def test_an_abbreviation_and_what_it_stands_for_find_each_other(
    language: str, passage: str, question: str, lexeme: str
) -> None:
    corpus = corpus_of(passage, f"{passage.partition('(')[0]}, once more", "VPN MFA DSB CNTT", language=language)
    read = understand(corpus, question)
    assert finds(read, lexeme)
    assert any(term.lexeme == lexeme for term in read.others)


def test_a_real_word_is_an_abbreviation_in_capitals_only() -> None:
    corpus = corpus_of("Information Technology (IT) is on the first floor.")
    assert not understand(corpus, "Where is it?").others
    assert understand(corpus, "Where is IT?").others


@pytest.mark.parametrize(
    ("language", "passage", "typed", "meant"),
    [
        ("en", "Courses are approved by the head.", "aprove", "approve"),  # of which the corpus has another form
        ("en", "The noise of the notice", "notise", "notice"),  # sounds like it
        ("en", "expense reimbursement", "riembursemnt", "reimbursement"),  # a mistake at each end
        ("vi", "Mật khẩu phải có mười ký tự.", "khảu", "khẩu"),  # only an accent
    ],
)
def test_what_was_meant_is_told_by_sound_and_form(language: str, passage: str, typed: str, meant: str) -> None:
    corpus = corpus_of(passage, language=language)
    assert corrections(understand(corpus, typed)) == {typed: meant}


def test_a_compound_is_found_by_another_word_for_its_part() -> None:
    corpus = corpus_of("Der Urlaub", "Die Tage", language="de")
    read = understand(corpus, "Ferientage")
    assert finds(read, "urlaub")
    assert finds(read, "tag")
    assert {each.word for each in read.alike} == {"ferientage"}


def test_a_compound_of_words_of_the_question_is_found() -> None:
    corpus = corpus_of("Die Xylokostenabrechnung", language="de")
    assert finds(understand(corpus, "Kosten Abrechnung von Xylo"), "xylokostenabrechn")


def test_a_question_of_known_words_costs_one_statement(django_assert_num_queries: object) -> None:
    corpus = corpus_of("Every employee has 28 days of holiday.")
    understand(corpus, "holiday")
    with django_assert_num_queries(1):  # type: ignore[operator]
        read = understand(corpus, "How many days has every?")
    assert not read.others


@pytest.mark.parametrize("question", ["", "?", "\x00", "a" * 4000, "qx " * 500, "zzzzzz" * 5, "数据库", "ภาษา"])
def test_no_question_is_an_error(question: str) -> None:
    understand(corpus_of("text", language="de"), question)
