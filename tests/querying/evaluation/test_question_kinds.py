from __future__ import annotations

import pytest

from querying.evaluation.question_kinds import KINDS, Kind, questions_of_kind

QUESTIONS = [f"Who pays for lunch number {number}?" for number in range(10)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "de", "vi", "zh", "es", "xx"])
def test_every_question_is_asked_once_and_the_same_way_every_time(kind: Kind, language: str) -> None:
    made = questions_of_kind(kind, QUESTIONS, language)
    assert [place for places, _ in made for place in places] == list(range(10))
    assert made == questions_of_kind(kind, QUESTIONS, language)


def test_a_mail_holds_the_question_among_a_thousand_characters() -> None:
    for (place,), text in questions_of_kind("mail", QUESTIONS, "en"):
        assert QUESTIONS[place] in text
        assert len(text) > 500


def test_parts_are_two_or_three_questions_at_once() -> None:
    assert {len(places) for places, _ in questions_of_kind("parts", QUESTIONS, "en")} == {2, 3}


def test_keywords_have_no_short_words() -> None:
    assert questions_of_kind("keywords", ["Who pays for it?"], "en") == [((0,), "pays")]
    assert questions_of_kind("keywords", ["谁?"], "zh") == [((0,), "谁?")]
