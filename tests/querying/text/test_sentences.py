"""Sentences and words, in the languages that the documents are in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querying.text.sentences import MAX_SENTENCE_CHARS, sentences_of, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Roe came. She left.", ["Dr. Roe came.", "She left."]),  # a title
        ("J. S. Bach wrote it. Yes!", ["J. S. Bach wrote it.", "Yes!"]),  # initials
        ("It opens at 9. Then we go.", ["It opens at 9.", "Then we go."]),  # a number may end a sentence
        ("Am 3. Oktober 1990 war es z.B. kalt. Ende!", ["Am 3. Oktober 1990 war es z.B. kalt.", "Ende!"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Version 1.2 is out. Good", ["Version 1.2 is out.", "Good"]),
        ("A fact.[2] Another. [3] End.", ["A fact.[2]", "Another. [3]", "End."]),  # footnotes stay behind
        ("TP. Hồ Chí Minh đông. Tôi đi.", ["TP. Hồ Chí Minh đông.", "Tôi đi."]),  # Vietnamese
        ("你好。我在北京！再见", ["你好。", "我在北京！", "再见"]),  # no spaces
        ("यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),  # Hindi
        ("Title\n\nFirst line\nsecond line.", ["Title", "First line\nsecond line."]),  # a wrapped line goes on
        ("To do:\n- one\n- two", ["To do:", "- one", "- two"]),
        ("1. First step. Then.", ["1. First step.", "Then."]),  # a list's number
        ("", []),
        (" \n ", []),
        ("# Book\n\n## Leave\nAll get it. Yes.", ["# Book", "## Leave", "All get it.", "Yes."]),  # below a heading
        ("Leave\n=====\nAll get it.", ["Leave", "=====", "All get it."]),  # underlined
        ("Leave\nAll who work at the quay get it.", ["Leave", "All who work at the quay get it."]),  # a title
        ("**Leave**\nAll get it.", ["**Leave**", "All get it."]),
        ("Q: How many?\nA: Two.", ["Q: How many?", "A: Two."]),
        ("Room: 4\nPhone: 12", ["Room: 4", "Phone: 12"]),
        ("| a. B | c |\n|---|---|\n| D. E | f |", ["| a. B | c |", "|---|---|", "| D. E | f |"]),  # a row is one
        ("The rate\nis fixed by\nthe board.", ["The rate\nis fixed by\nthe board."]),  # narrow, but prose
        ("Es gilt vom 4. Mai bis zum 6. Juni. Ende.", ["Es gilt vom 4. Mai bis zum 6. Juni.", "Ende."]),
        ("Der 2. Weltkrieg begann. Ja.", ["Der 2. Weltkrieg begann.", "Ja."]),
        (
            "The U.S. Army came. The law of the U.S. The rest.",
            ["The U.S. Army came.", "The law of the U.S.", "The rest."],
        ),
        ("See No. 5 of St. Petersburg. It is.", ["See No. 5 of St. Petersburg.", "It is."]),
        ("Karl V. Habsburg was king. Louis XIV. He died.", ["Karl V. Habsburg was king.", "Louis XIV.", "He died."]),
        ("Open until 5 p.m. Employees leave.", ["Open until 5 p.m.", "Employees leave."]),
        ("It fell on Sept. 11 at Acme Inc. Boston. Yes.", ["It fell on Sept. 11 at Acme Inc. Boston.", "Yes."]),
        ("It grew.[citation needed] Then not.", ["It grew.[citation needed]", "Then not."]),
    ],
)
def test_a_text_is_cut_where_a_reader_would(text: str, expected: list[str]) -> None:
    assert [text[span.start : span.end] for span in sentences_of(text)] == expected


def test_a_table_without_full_stops_is_cut_at_a_space() -> None:
    text = "12.5 30.1 " * 200
    assert all(span.end - span.start <= MAX_SENTENCE_CHARS for span in sentences_of(text))


@given(st.text(max_size=300))
def test_nothing_but_white_space_is_lost_between_sentences(text: str) -> None:
    begin = 0
    for span in sentences_of(text):
        assert not text[begin : span.start].strip()
        assert text[span.start : span.end].strip() == text[span.start : span.end] != ""
        begin = span.end
    assert not text[begin:].strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Các nhà thầu", ["cac", "nha", "thau"]),  # as typed without accents
        ("Đường ĐI", ["duong", "di"]),
        ("regulations Regulation", ["regula", "regula"]),  # endings don't count
        ("北京市 abc", ["北京", "京市", "abc"]),
        ("3.5 km, 12:30", ["3.5", "km", "12:30"]),  # numbers stay whole
        ("２５ Tage", ["25", "tage"]),  # full-width digits
        ("हिन्दी भाषा", ["हिनदी", "भाषा"]),  # vowel signs stay with their letter
        ("cafe\u0301 x", ["cafe", "x"]),  # a decomposed accent
        ("...", []),
    ],
)
def test_words_are_folded(text: str, expected: list[str]) -> None:
    assert words_of(text) == expected
