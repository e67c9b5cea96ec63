"""The function words of questions."""

from __future__ import annotations

import pytest

from querying.questions.function_words import function_words_among
from querying.text.sentences import whole_words_of


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When did the war begin?", {"when", "did", "the"}),  # "war" is "was" in German
        ("Wann war die Messe?", {"wann", "war", "die"}),
        ("What year did Tesla die?", {"what", "did"}),
        ("Who is the man with the hat?", {"who", "is", "the", "with"}),
        ("Khi nào nghỉ phép?", {"khi", "nao"}),
        ("Berlin?", set()),
    ],
)
def test_a_word_only_asks_in_the_language_of_its_question(question: str, expected: set[str]) -> None:
    assert function_words_among(whole_words_of(question)) == expected
