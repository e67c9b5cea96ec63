"""A model that writes without end costs little and ends soon: what reads its text takes time in line with its length.

Measured is the thread's own processor time, and only as a proportion, so that a busy machine changes nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from querying.answering import rungs as answering_rungs
from querying.generation.citations import MOST_CITATIONS, citations_of
from querying.output import model_text
from querying.output.degenerate import echoes_question, says_nothing
from querying.output.link_filter import AnswerFilter
from querying.output.model_text import MOST_CHARS, ModelText, Stop
from querying.output.thinking import ThoughtFilter
from ragsite.deadline import Deadline
from ragsite.errors import OllamaTimeout
from tests.querying.passages import make_passage

CHARS = 12_000
_random = random.Random(7)


def of(letters: str, chars: int = CHARS) -> str:
    return "".join(_random.choice(letters) for _ in range(chars))


ENDLESS = {
    "one word": of("abcdefghij"),
    "a word of dots": of("abcdefghij.-"),
    "a word of signs": of("ab/@.:\\&?"),
    "brackets": "[" * CHARS,
    "numbers in brackets": "[9" * (CHARS // 2),
    "brackets that close": "[t][9] " * (CHARS // 7),
    "citations": "[1][2][3]" * (CHARS // 9),
    "open angles": "<" * CHARS,
    "half marks": "<th" * (CHARS // 3),
    "a mark, then blanks": "x </think>" + " " * CHARS,
    "blanks": " " * CHARS,
    "thoughts in doubt": "okay, " + "abc <" * (CHARS // 5),
    "backticks": "`" * CHARS,
    "backticks of all lengths": "".join("`" * (1 + n % 40) + "x " for n in range(CHARS // 22)),
    "links": "[a](http://x.y/z) " * (CHARS // 18),
    "a mixture": of("abcdefghij .[]<&1`\n"),
}


def seconds_of(work: Callable[[], object]) -> float:
    """Return the least processor time of three runs."""
    taken = []
    for _ in range(3):
        started = time.thread_time()
        work()
        taken.append(time.thread_time() - started)
    return min(taken)


def read(text: str, piece_chars: int) -> str:
    """Let a text pass all filters, without anything that would stop it early."""
    thoughts, answer = ThoughtFilter(), AnswerFilter({1, 2, 3})
    pieces = (text[at : at + piece_chars] for at in range(0, len(text), piece_chars))
    return "".join(answer.feed(thoughts.feed(piece)) for piece in pieces) + answer.feed(thoughts.finish())


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
def test_four_times_the_text_takes_about_four_times_the_time(text: str) -> None:
    for piece_chars in (8, answering_rungs.PART_CHARS):
        short = seconds_of(partial(read, text[: len(text) // 4], piece_chars))
        long = seconds_of(partial(read, text, piece_chars))
        assert long < 9 * short + 0.02  # of the square it would be 16 times


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS.keys())
def test_what_comes_after_the_end_takes_time_in_line_with_the_text_too(text: str) -> None:
    passages = cast(Any, [make_passage("Leave is 25 days. It is paid in full. " * 15)] * 3)

    def judge(answer: str) -> None:
        says_nothing(answer)
        echoes_question(answer, "How many days?")
        whole = ModelText({1, 2, 3}, answer_tokens=1, prompt_mark="~~~~~~~~")
        whole._text = answer
        assert whole.whole_sentences is not None
        assert whole.is_not_found in {True, False}
        citations_of(answer, passages)

    short = seconds_of(lambda: judge(text[: len(text) // 4]))
    assert seconds_of(lambda: judge(text)) < 9 * short + 0.02


def test_one_long_word_is_read_about_as_fast_as_prose() -> None:
    prose = "The leave of all the people here is long enough to be well. " * (CHARS // 60)
    assert seconds_of(lambda: read(ENDLESS["one word"], 2000)) < 10 * seconds_of(lambda: read(prose, 2000)) + 0.005


@pytest.mark.parametrize("tokens", [10, 512, 10**6])
def test_a_text_has_an_end_near_the_tokens_that_were_asked_for(tokens: int) -> None:
    sentences = " ".join(f"Case {n} has {n} days, and case {n + 1} has {n * 7} of them [1]." for n in range(20_000))
    text = ModelText({1}, answer_tokens=tokens, prompt_mark="~~~~~~~~")
    for at in range(0, len(sentences), 500):
        text.feed(sentences[at : at + 500])
        if text.stop is not None:
            break
    assert text.stop is Stop.TOO_LONG
    assert len(text.text) <= min(model_text.CHARS_PER_TOKEN * tokens + model_text.SLACK_CHARS, MOST_CHARS)


def test_the_number_of_citations_of_an_answer_is_limited() -> None:
    found = citations_of("[1] " * 20_000, cast(Any, [make_passage("Leave is 25 days.")]))
    assert len(found) == MOST_CITATIONS


def test_nothing_is_read_after_the_deadline() -> None:
    left = iter([9.0, 0.1])
    deadline = cast(Deadline, SimpleNamespace(remaining=lambda: next(left)))
    parts = answering_rungs._parts("x" * 5 * answering_rungs.PART_CHARS, deadline)
    assert [len(next(parts)), len(next(parts))] == [answering_rungs.PART_CHARS] * 2
    with pytest.raises(OllamaTimeout):
        next(parts)
