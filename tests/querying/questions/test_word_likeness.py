"""The words of a text that stand for a word of a question."""

from __future__ import annotations

import pytest

from querying.questions.word_likeness import ALIKE, FORM, OTHER_FORM, PART, Vocabulary, likeness, stand_ins


@pytest.mark.parametrize(
    ("asked", "word", "low", "high"),
    [
        ("hund", "hund", FORM, FORM),
        ("hund", "hunde", OTHER_FORM, OTHER_FORM),
        ("employees", "employee", OTHER_FORM, OTHER_FORM),
        ("regulation", "regulations", OTHER_FORM, OTHER_FORM),
        ("antrag", "urlaubsantrag", PART, PART),
        ("urlaubsantrag", "antrag", PART, PART),
        ("urlaubsantrag", "urlaubsanspruch", 0.05, 0.3),
        ("beitragssatz", "beitragshohe", 0.05, 0.3),
        ("hand", "handle", 0.0, 0.3),
        ("cat", "category", 0.0, 0.0),
        ("1234", "12345", 0.0, 0.0),
        ("2345", "12345", 0.0, 0.0),
        ("12345", "012345", 0.0, 0.0),
        ("北京", "北大", 0.0, 0.0),
    ],
)
def test_a_word_stands_for_another_form_fully_and_for_a_part_of_a_compound_half(
    asked: str, word: str, low: float, high: float
) -> None:
    assert low <= likeness(asked, word) <= high
    assert Vocabulary([word]).near(asked) == ({word: likeness(asked, word)} if likeness(asked, word) else {})


def test_a_compound_of_two_words_of_the_question_is_what_it_asks_for() -> None:
    near = stand_ins(["stellplatz", "tiefgarage"], ["tiefgaragenstellplatz", "stellplatzordnung"], {}, frozenset())
    assert near["stellplatz"] == {"tiefgaragenstellplatz": FORM, "stellplatzordnung": PART}
    assert near["tiefgarage"]["tiefgaragenstellplatz"] == FORM


def test_words_that_were_searched_instead_count_a_little_less_than_the_questions_own() -> None:
    near = stand_ins(
        ["vacation"], ["holidays", "leave", "vacations"], {"Vacation": ["holiday", "annual leave"]}, frozenset()
    )
    assert near["vacation"] == {"holidays": ALIKE * OTHER_FORM, "leave": ALIKE, "vacations": OTHER_FORM}


def test_words_that_only_ask_stand_for_nothing_else() -> None:
    assert stand_ins(["eine", "wie"], ["einen", "wien"], {}, {"eine", "wie"}) == {"eine": {}, "wie": {}}
