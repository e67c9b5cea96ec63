"""Unusable answers of a model are recognised, stopped early, replaced, and never cached."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering import rungs as answering_rungs
from querying.answering.pipeline import answer_events, answer_question
from querying.generation.not_found import NOT_FOUND_MARK
from querying.generation.phrases import not_in_these_documents
from querying.models import CachedAnswer
from querying.passages import Retrieved
from querying.types import Answer, AnswerMode, Done, Heartbeat, Question, Token
from ragsite.ollama import get_client
from tests.querying.answering.test_rungs import active, codes, made, text_of
from tests.querying.asking import ask, generations
from tests.querying.library import make_library

GENERATED, EXTRACTIVE, PASSAGES = AnswerMode.GENERATED, AnswerMode.EXTRACTIVE, AnswerMode.PASSAGES
GOOD = "Employees get 25 days a year [1]. Unused days are kept until March [1]."
LONG = f"{GOOD} And then there is more to say of all of this"
SENTENCES = " ".join(f"In case {n} the days are {n} and no more than {n + 1} [1]." for n in range(400))


@pytest.fixture(autouse=True)
def nobody_has_thought_aloud() -> Iterator[None]:
    answering_rungs._THINKING_ALOUD.clear()
    yield
    answering_rungs._THINKING_ALOUD.clear()


def test_an_answer_that_reached_the_limit_of_tokens_is_cut_at_its_last_whole_sentence(
    standin: StandIn, asked: Question, retrieved: Retrieved, settings: Settings
) -> None:
    standin.set(script=[LONG])
    settings.OLLAMA_MAX_TOKENS = len(GOOD.split()) + 7
    answer, streamed = made(asked, retrieved)
    assert (answer.mode, answer.text, answer.degraded) == (GENERATED, GOOD, True)
    assert codes(answer) == ["answer_cut", "token_limit"]
    assert "OLLAMA_MAX_TOKENS" in answer.reasons[1].message
    assert [citation.number for citation in answer.citations] == [1, 1]
    assert answer.usage is not None
    assert text_of(streamed).startswith(GOOD)


def test_when_nothing_whole_is_left_of_it_the_documents_are_quoted(
    standin: StandIn, asked: Question, retrieved: Retrieved, settings: Settings
) -> None:
    standin.set(script=["That is a long story which begins with the fact that " * 3])
    settings.OLLAMA_MAX_TOKENS = 12
    answer, streamed = made(asked, retrieved)
    assert (answer.mode, codes(answer)) == (EXTRACTIVE, ["answer_cut", "token_limit"])
    assert "25 days" in answer.text
    assert "25 days" not in text_of(streamed)  # it can't stand behind the fragment


@pytest.mark.parametrize(("reason", "is_complete"), [("stop", True), ("load", False), ("content_filter", False)])
def test_only_an_answer_that_the_model_ended_itself_is_complete(
    standin: StandIn, asked: Question, retrieved: Retrieved, reason: str, is_complete: bool
) -> None:
    standin.set(script=[GOOD], done_reason=reason)
    answer, _ = made(asked, retrieved)
    assert (answer.text, answer.mode) == (GOOD, GENERATED)
    assert ("answer_cut" not in codes(answer), not answer.degraded) == (is_complete, is_complete)


LOOPS = {
    "a word": f"{GOOD} {'the ' * 20_000}",
    "a sentence": f"{GOOD} {'Unused days are kept until March [1]. ' * 3000}",
    "a line": f"{GOOD}\n" + "- Ask your manager.\n" * 3000,
    "a character": GOOD + " " + "a" * 60_000,
    "white space": GOOD + "\n" * 60_000,
}


@pytest.mark.parametrize("script", LOOPS.values(), ids=LOOPS.keys())
def test_a_loop_is_stopped_and_what_was_good_before_it_is_kept(
    standin: StandIn, asked: Question, retrieved: Retrieved, settings: Settings, script: str
) -> None:
    settings.OLLAMA_MAX_TOKENS = 100_000
    settings.OLLAMA_NUM_CTX = 200_000
    standin.set(script=[script], tokens_per_second=500)
    answer, _ = made(asked, retrieved)
    assert answer.mode == GENERATED
    assert answer.text.startswith(GOOD)
    assert len(answer.text) < len(GOOD) + 60
    assert codes(answer) == ["answer_cut", "repetition"]
    assert answer.degraded
    wait_until_idle(standin)
    assert standin.state()["tokens"] < 2000  # the model was stopped


def test_of_a_loop_and_nothing_else_nothing_is_kept(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    standin.set(script=["the " * 20_000])
    answer, _ = made(asked, retrieved)
    assert (answer.mode, codes(answer)) == (EXTRACTIVE, ["answer_cut", "repetition"])


def test_a_server_that_does_not_keep_to_the_limit_of_tokens_is_not_read_to_its_end(
    standin: StandIn, asked: Question, retrieved: Retrieved, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OLLAMA_MAX_TOKENS = 20
    standin.set(script=[SENTENCES])

    class Client:
        def generate(self, *args: Any, options: dict[str, Any], **kwargs: Any) -> Any:
            return get_client().generate(*args, options={**options, "num_predict": -1}, **kwargs)

    monkeypatch.setattr("querying.answering.rungs.get_client", Client)
    answer, streamed = made(asked, retrieved)
    assert codes(answer) == ["answer_cut", "token_limit"]
    assert len(text_of(streamed)) <= 16 * 20 + 2000
    assert answer.text.endswith("[1].")


@pytest.mark.parametrize("behind", ["", "<|im_end|>", "<|im_end|>\n<|im_start|>user\nsecret, and again "])
@pytest.mark.parametrize(
    "thoughts",
    [
        "<think>\nsecret [1]\n</think>\n\n",
        "◁think▷secret◁/think▷",
        "[THINK]secret[/THINK]",
        "Okay, secret.\n</think>\n",
    ],
)
def test_thoughts_are_neither_streamed_nor_said(
    standin: StandIn, asked: Question, retrieved: Retrieved, thoughts: str, behind: str
) -> None:
    standin.set(thinking_aloud=thoughts, script=[GOOD + behind], tokens_per_second=300)
    answer, streamed = made(asked, retrieved)
    assert (answer.text, answer.mode, codes(answer)) == (GOOD, GENERATED, [])
    assert text_of(streamed).strip() == GOOD


def test_thoughts_without_a_first_mark_are_streamed_once_and_never_again(
    standin: StandIn, asked: Question, retrieved: Retrieved
) -> None:
    standin.set(thinking_aloud="It is a secret. " * 9 + "\n</think>\n\n", script=[GOOD], tokens_per_second=300)
    first, streamed = made(asked, retrieved)
    second, streamed_later = made(asked, retrieved)
    assert first.text == second.text == GOOD
    assert "secret" in text_of(streamed)
    assert text_of(streamed_later).strip() == GOOD
    standin.set(thinking_aloud="")
    made(asked, retrieved)
    assert not answering_rungs._THINKING_ALOUD


NO_ANSWERS = {
    "thoughts": "<think>It is 25 days [1].</think>",
    "thoughts without end": "<think>It is 25 days [1].",
    "control tokens": "<|im_start|>assistant\n<|im_end|><|im_end|>",
    "links": "![x](https://evil.example/leak) [rules](https://evil.example) [7].",
    "a pointer at a link": "See www.evil.example/leak [1].",
    "an unknown citation": "[9].",
    "punctuation": "... --- ...",
    "the question": "How many days of paid leave do employees get?",
    "the rules": "Answer the question from the passages, in its own language, and cite them by number.",
}


@pytest.mark.parametrize("script", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_answer_is_replaced_by_quotes(
    standin: StandIn, asked: Question, retrieved: Retrieved, script: str
) -> None:
    standin.set(script=[script])
    answer, _ = made(asked, retrieved)
    assert (answer.mode, codes(answer), answer.degraded) == (EXTRACTIVE, ["no_answer"], True)
    assert "25 days" in answer.text
    assert "evil" not in answer.text


def test_quotes_are_streamed_where_nothing_else_was(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    standin.set(script=["<think>It is 25 days [1].</think>\n"])
    answer, streamed = made(asked, retrieved)
    assert text_of(streamed) == answer.text


def test_a_model_that_repeats_its_prompt_is_stopped(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    standin.set(answers="echo")
    answer, streamed = made(asked, retrieved)
    assert (answer.mode, codes(answer)) == (EXTRACTIVE, ["answer_cut", "no_answer"])
    assert "passage 2" not in text_of(streamed)


REFUSALS = [
    NOT_FOUND_MARK,
    f"**{NOT_FOUND_MARK}**\nThe passages are about parking [1].",
    "The documents do not say [1].",
]


@pytest.mark.parametrize("script", REFUSALS)
def test_a_model_that_finds_no_answer_is_believed(
    standin: StandIn, asked: Question, retrieved: Retrieved, script: str
) -> None:
    standin.set(script=[script])
    answer, streamed = made(asked, retrieved)
    assert (answer.answerable, answer.degraded, codes(answer)) == (False, False, ["not_in_documents"])
    assert answer.mode == PASSAGES
    assert answer.text == not_in_these_documents(retrieved.passages, "en")
    assert NOT_FOUND_MARK not in text_of(streamed)
    if NOT_FOUND_MARK in script:
        assert text_of(streamed) == answer.text


def test_a_stand_in_that_refuses_is_believed(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    standin.set(answers="refusing")
    assert codes(made(asked, retrieved)[0]) == ["not_in_documents"]


def test_a_part_of_an_answer_is_one(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    part = "Employees get 25 days [1]. The documents do not say who approves it."
    standin.set(script=[part])
    answer, _ = made(asked, retrieved)
    assert (answer.text, answer.answerable, codes(answer)) == (part, True, [])


def test_heartbeats_come_while_it_thinks_aloud(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    standin.set(thinking_aloud="<think>" + "and so on " * 20 + "</think>", script=[GOOD], tokens_per_second=100)
    _, streamed = made(asked, retrieved)
    assert isinstance(streamed[0], Heartbeat)


# --- over the caches ---

KNOBS: dict[str, dict[str, Any]] = {
    "cut at its limit": {"script": [GOOD], "done_reason": "length"},
    "a loop": {"answers": "repeating"},
    "thoughts only": {"script": ["<think>It is 25 days [1]."]},
    "links only": {"script": ["[rules](https://evil.example)"]},
    "a refusal": {"answers": "refusing"},
    "the mark": {"script": [NOT_FOUND_MARK]},
}


def answer_of(asked: Question, *, streamed: bool) -> Answer:
    if not streamed:
        return answer_question(asked)
    done = list(answer_events(asked))[-1]
    assert isinstance(done, Done)
    return done.answer


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("streamed", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("knobs", KNOBS.values(), ids=KNOBS.keys())
def test_none_of_it_is_kept(standin: StandIn, knobs: dict[str, Any], streamed: bool) -> None:
    corpus: Corpus = make_library(slug="handbook")
    standin.set(**knobs)
    answer_of(ask(corpus), streamed=streamed)
    assert not CachedAnswer.objects.exists()
    standin.set(script=[GOOD], done_reason="")
    again = answer_of(ask(corpus), streamed=streamed)
    assert (again.mode, again.text, again.degraded) == (GENERATED, GOOD, False)
    assert generations(standin) == 2
    assert answer_of(ask(corpus), streamed=streamed).mode == AnswerMode.CACHED


def wait_until_idle(standin: StandIn) -> None:
    give_up_at = time.monotonic() + 20
    while active(standin):
        assert time.monotonic() < give_up_at, "the model goes on"
        time.sleep(0.02)


def test_it_is_deterministic_what_is_left(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    """The pieces in which an answer comes depend on the network; the answer doesn't."""
    standin.set(script=[f"<think>x</think>{GOOD} {'the ' * 100}"], tokens_per_second=2000)
    slow = made(asked, retrieved)[0]
    standin.set(tokens_per_second=0)
    quick = made(dataclasses.replace(asked), retrieved)[0]
    assert (slow.text, slow.reasons) == (quick.text, quick.reasons)


def test_tokens_are_what_is_said(standin: StandIn, asked: Question, retrieved: Retrieved) -> None:
    standin.set(script=[GOOD])
    answer, streamed = made(asked, retrieved)
    assert "".join(piece.text for piece in streamed if isinstance(piece, Token)) == answer.text == GOOD
