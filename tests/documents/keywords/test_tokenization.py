from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.keywords.tokenization import PREPARED_MAX_BYTES, fold, prepare_question, prepare_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Who are they?", "who are they"),
        ("E-1042", "e 1042 e1042"),  # also written E1042
        ("v2.3.1", "v2 3 1 v231"),
        ("time-sharing", "time sharing timesharing"),
        ("1,000.50", "1 000 50 100050"),
        ("red,green", "red green"),  # a comma joins digits only
        ("docs/readme.txt", "docs readme txt"),  # a path is no name of its own
        ("don't", "don t"),
        ("ﬁne Ｅ１０４２", "fine e1042"),  # ligatures and wide letters are letters
        ("soft\u00adware", "software"),
        ("हिन्दी में", "हिन्दी में"),  # marks belong to their words
        ("Красный", "красный"),
        ("İstanbul", "istanbul"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_text_is_cut_into_words(text: str, words: str) -> None:
    assert prepare_text(text).exact == words


def test_chinese_is_pairs_of_characters_and_single_ones() -> None:
    assert prepare_text("数据库").exact == "数 据 库 数据 据库"
    assert prepare_question("数据库").text == "数据 据库"
    assert prepare_question("库").text == "库"


def test_scripts_are_told_apart_within_a_run_of_letters() -> None:
    assert prepare_question("用Python3写代码").text == "用 python3 写代 代码"


def test_korean_and_thai_are_pairs() -> None:
    assert prepare_question("데이터베이스").text == "데이 이터 터베 베이 이스"
    assert prepare_question("ภาษา").text == "ภา าษ ษา"


def test_composed_and_decomposed_text_are_the_same() -> None:
    text = "Nhà thầu phải nộp hồ sơ"
    assert prepare_text(unicodedata.normalize("NFD", text)) == prepare_text(text)


def test_text_without_accents_needs_no_second_form() -> None:
    assert prepare_text("plain words").folded is None
    assert prepare_text("Nhà thầu Đà Nẵng").folded == "nha thau da nang"


@pytest.mark.parametrize(
    ("question", "folded"),
    [
        ("nha thau", True),
        ("nhà thầu", False),
        ("đoi bong", True),  # the key for đ is used even by those who leave out the rest
        ("naïve", False),
        ("красный", True),  # й is a letter, not an accent
    ],
)
def test_a_question_is_folded_when_it_is_typed_without_accents(question: str, folded: bool) -> None:
    assert prepare_question(question).folded is folded


def test_folding_keeps_what_are_letters_of_their_own() -> None:
    assert fold("Đường Straße Øl ёлка йод ガラス") == "Duong Strasse Ol елка йод ガラス"


def test_a_turkish_i_without_a_dot_stays_one() -> None:
    assert prepare_text("IŞIK", "tr").exact == "ışık"


@given(st.text(max_size=300))
def test_any_text_becomes_words_and_blanks(text: str) -> None:
    prepared = prepare_text(text)
    for words in (prepared.exact, prepared.folded or ""):
        assert "\x00" not in words
        words.encode()
        assert all(len(word) <= 64 for word in words.split(" "))


def test_a_huge_text_is_cut_to_what_postgres_takes() -> None:
    assert len(prepare_text("数据库系统" * 100_000).exact.encode()) <= PREPARED_MAX_BYTES
