"""Properties of normalised text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.normalization import normalise, normalise_question, searchable

# Any code point, lone surrogates and control characters among them; and texts made of the awkward ones.
ANY_TEXT = st.text(st.characters())
AWKWARD = st.text(
    st.sampled_from(
        list(
            "ab \t\n\r\x00\x03\x0b\x0c\x1c\x85\xa0\xad\u0301\u0323\u200b\u200d\u2028\u2029"
            "\ud83d\ude00\ufeff\ufffe\U000e0041é각#`-"
        )
    )
)


@given(ANY_TEXT | AWKWARD)
def test_the_result_can_be_stored_and_normalising_it_again_changes_nothing(text: str) -> None:
    result = normalise(text)

    result.encode()
    assert "\x00" not in result
    assert unicodedata.is_normalized("NFC", result)
    assert not [
        character
        for character in result
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t\x03"
    ]
    assert normalise(result) == result


@given(ANY_TEXT)
def test_no_letter_is_lost(text: str) -> None:
    def letters(of: str) -> list[str]:
        return [character for character in unicodedata.normalize("NFC", of) if character.isalnum()]

    assert letters(normalise(text)) == letters(text)


@given(ANY_TEXT | AWKWARD)
def test_a_question_is_one_line(text: str) -> None:
    result = normalise_question(text)

    assert result == " ".join(result.split())
    assert normalise_question(result) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Nha\u0300 tha\u0302\u0300u", "Nhà thầu"),  # NFD, as macOS writes it
        ("a\r\nb\rc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\n\nf"),
        ("a\x00b\x07c\x1bd\x9fe", "abcde"),
        ("co\xadoper\u200bate\ufeff\u2060", "cooperate"),
        ("\ud83d\ude00 \ud83d", "😀 \ufffd"),  # two halves of one character, and one alone
        ("ignore\U000e0049\U000e0067 this", "ignore this"),  # text that only models see
        ("evil\u202etxt.exe\u202c", "eviltxt.exe"),  # shown backwards
        ("a   b\t \tc  \n   d\xa0\u3000e", "a b c\n   d e"),
        ("            deep", "deep"),
        ("x\n            deep", "x\n        deep"),
        ("a\n \n\t\n\n\nb", "a\n\nb"),
        ("\n\n  a \n\n", "a"),
        ("a  b", "a b"),  # from here on, each with nothing else that is to be changed
        ("a\n\tb", "a\n    b"),
        ("a\tb", "a\tb"),
        ("a\n b", "a\n b"),
        ("a\n \nb", "a\n\nb"),
        ("a\n\t\nb", "a\n\nb"),
        ("a \nb", "a\nb"),
        ("a\t\nb", "a\nb"),
        ("a\n\n\nb", "a\n\nb"),
        (" a ", "a"),
    ],
)
def test_what_is_changed(text: str, result: str) -> None:
    assert normalise(text) == result


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧 क्‍ष می‌خواهم",  # joiners
        "שלום \u200fR\u200e עולם",  # marks of direction
        "a\tb",
        "ﬁne \u2126".replace("\u2126", "Ω"),
        "½ ² Ⅳ",  # no compatibility folding
    ],
)
def test_what_is_kept(text: str) -> None:
    assert normalise(text) == text


def test_a_long_run_of_blanks_takes_linear_time() -> None:
    assert normalise("a" + " " * 1_000_000 + "b" + "\n" * 1_000_000 + "c" + " \n" * 500_000) == "a b\n\nc"


def test_a_tower_of_accents_takes_linear_time() -> None:
    assert len(normalise("a" + "\u0300\u0316" * 1_000_000)) <= 31


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("the pay-\nment of", "the payment of"),
        ("Anglo-\nAmerican", "Anglo-American"),
        ("1914-\n1918", "1914-\n1918"),
        ("- item\n- item", "- item\n- item"),
        ("ﬁne oﬃce ﬂow", "fine office flow"),
    ],
)
def test_what_is_searched_is_whole_words(text: str, result: str) -> None:
    assert searchable(text) == result
