"""The corpus of the benchmarks, and the questions about it."""

from __future__ import annotations

import itertools
import re

from monitoring.lab.benchmarks.data.question_corpus import ASKED, documents, in_other_words, questions
from querying.paraphrase.matching import same_question


def test_no_two_questions_are_alike() -> None:
    found = list(itertools.islice(questions(), 88_000))
    assert len(set(found)) == len(found)


def test_questions_go_on_where_another_load_ended() -> None:
    assert next(questions(500)) == next(itertools.islice(questions(), 500, None))


def test_every_question_has_an_answer_in_one_paragraph() -> None:
    paragraphs = [text for document in documents().values() for text in document.split("\n\n")]
    for question in itertools.islice(questions(), 0, 88_000, 997):
        asked = {word for word in ASKED if re.search(rf"\b{word}\b", question)}
        number = re.findall(r"depot (\d+)", question)[0]
        (paragraph,) = [text for text in paragraphs if text.startswith(f"Depot {number} ")]
        assert len(asked) == 3
        assert all(word in paragraph.lower() for word in asked)


def test_other_words_mean_the_same_and_other_numbers_do_not() -> None:
    one, other = itertools.islice(questions(), 2)
    assert in_other_words(one) != one
    assert same_question(one, in_other_words(one))
    assert not same_question(one, other)
