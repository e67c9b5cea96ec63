"""Thoughts of a model are removed, with any marks and wherever the stream is cut; text about such marks stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.invisible_characters import visible
from querying.output.thinking import ThoughtFilter
from tests.examples import examples

ANSWER = "Employees get 25 days [1]."
THOUGHTS = [
    "<think>secret</think>",
    "<think>\nsecret\n\n[9] secret <b>\n</think>\n\n",
    "  \n<THINK>secret</Think>  ",
    "<thinking>secret</thinking>\n",
    "<thought>secret</thought>",
    "<reasoning>secret</reasoning>",
    "<seed:think>secret</seed:think>",
    "◁think▷secret◁/think▷",
    "[THINK]secret[/THINK]",
    "<|begin_of_thought|>secret<|end_of_thought|>\n<|begin_of_solution|>",
    "<|START_THINKING|>secret<|END_THINKING|><|START_RESPONSE|>",
    "<|channel>thought\nsecret<channel|>",
    "<|channel|>analysis<|message|>secret<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|start|>assistant<|channel|>analysis<|message|>secret<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel|>final<|message|>",
    "<think>secret</think>\n<think>more secret</think>\n",
    "<think>secret <think> secret</think> </think>",
    "<think></think>\n\n",
    "</think>\n\n",
    # Without the first mark
    "Okay, secret is what they want. So secret.\n</think>\n\n",
    "secret, so it is secret.</think>",
    "secret, so it is secret</think>",
    "secret\n\n</think>",
    "Secret. Secret `</think>` secret.\n</think>\n",
    'The secret is "secret"</think>',
    "嗯，secret。\n</think>\n\n",
    "secret\n◁/think▷",
    # What a template writes before an answer
    "<|im_start|>assistant\n",
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "<s> ",
]
BEHIND = ["", "<|im_end|>", "</s>", "\n<|im_end|>\n<|im_start|>user\nsecret", "<end_of_turn>\n", "<|return|>", "<|e"]
ABOUT = [
    "The tag `<think>` opens and `</think>` closes it [1].",
    "Put it between <think> and </think>. Nothing else is shown [1].",
    "Put it between <think> and </think>, or leave it out [1].",
    'It is closed by "</think>" [1].',
    "```\n<think>\nsecret\n</think>\n```\nThat is how it looks [1].",
    "The token <|im_end|> ends a turn [1].",
    "a < b and c </ d, List<String> x[1] [see 2] [/usr] <|> ◁ <",
    "Okay, it is 25 days [1].",
    "Let me see. We need to",
    "<b>bold</b> [1]",
    "ok",
    " first",
    "In `[/THINK]` and [INST] they differ [1].",
    "",
]


def spoken(pieces: Iterable[str], *, expects_thoughts: bool = False) -> tuple[str, str]:
    """Return what is left at the end, and all that was let through on the way."""
    thoughts = ThoughtFilter(expects_thoughts=expects_thoughts)
    left, through, retractions = "", "", 0
    steps: list[Callable[[], str]] = [*(partial(thoughts.feed, piece) for piece in pieces), thoughts.finish]
    for say in steps:
        said = say()
        left = said if thoughts.retractions != retractions else left + said
        retractions, through = thoughts.retractions, through + said
    return left, through


def ways(text: str) -> Iterable[list[str]]:
    """Yield the text in two pieces, cut everywhere, and character by character."""
    yield list(text)
    for cut in range(len(text) + 1):
        yield [text[:cut], text[cut:]]


@pytest.mark.parametrize("thought", THOUGHTS)
def test_thoughts_are_no_part_of_the_answer(thought: str) -> None:
    for pieces in ways(thought + ANSWER):
        left, through = spoken(pieces)
        assert left.strip() == ANSWER, pieces
        if thought.lstrip().startswith(("<", "◁", "[", "Okay", "嗯")):
            assert "secret" not in through


@pytest.mark.parametrize("behind", BEHIND)
def test_what_comes_behind_an_answer_is_no_part_of_it(behind: str) -> None:
    for pieces in ways(ANSWER + behind):
        assert spoken(pieces)[0].strip() == ANSWER, pieces


@pytest.mark.parametrize("text", ABOUT)
def test_a_text_about_thoughts_and_marks_stays_as_it_is(text: str) -> None:
    for pieces in ways(text):
        assert spoken(pieces)[0] == text, pieces
        assert spoken(pieces, expects_thoughts=True)[0] == text


@pytest.mark.parametrize(
    "text",
    [
        "<think>secret that never ends [1].",
        "<think>",
        "<thi",
        "  <think>secret</think>  \n ",
        "Okay, secret.\n</think>",
        "<|channel|>analysis<|message|>secret<|end|>",
        "<|im_end|>",
        "<|im_start|>user\nsecret",
        "<s></s>",
        "[INST] secret",
    ],
)
def test_of_nothing_but_thoughts_and_marks_nothing_is_left(text: str) -> None:
    for pieces in ways(text):
        assert spoken(pieces)[0].strip() == "", pieces
        assert "secret" not in spoken(pieces)[1]


def test_where_thoughts_are_expected_nothing_leaves_before_it_is_clear() -> None:
    pieces = ["secret ", "and secret", "\n</th", "ink>\n\nIt is", " 25 days [1]."]
    assert spoken(pieces, expects_thoughts=True) == ("\n\nIt is 25 days [1].",) * 2
    thoughts = ThoughtFilter(expects_thoughts=True)
    assert [thoughts.feed(piece) for piece in pieces] == ["", "", "", "\n\nIt is", " 25 days [1]."]


def test_an_answer_is_not_held_back() -> None:
    thoughts = ThoughtFilter()
    pieces = ["Employees", " get", " <", "25 days", " [", "1", "]."]
    assert [thoughts.feed(piece) for piece in pieces] == ["Employees", " get", " ", "<25 days", " ", "[1", "]."]


def test_a_mark_of_the_next_turn_ends_it_at_once() -> None:
    thoughts = ThoughtFilter()
    assert thoughts.feed(f"{ANSWER}<|im_end|>\n<|im_start|>user\n") == ANSWER
    assert thoughts.is_over
    assert thoughts.feed("more") + thoughts.finish() == ""


PARTS = st.sampled_from(
    [
        *'<>|/[]◁▷`"\n .aZ1',
        "think",
        "<think>",
        "</think>",
        "<|im_end|>",
        "Okay, ",
        "[/THINK]",
        "secret",
        "[1].",
        "```\n",
    ]
)


@examples(1000)
@given(st.lists(PARTS, max_size=20), st.data())
def test_any_text_gives_the_same_in_any_pieces(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert spoken(pieces)[0] == spoken([text])[0]
    assert spoken(text)[0] == spoken([text])[0]
    assert spoken(pieces, expects_thoughts=True)[0] == spoken([text])[0]


@given(st.text(max_size=200).filter(lambda text: visible(text).strip() and not any(char in text for char in "<◁[")))
def test_a_text_without_a_mark_stays_as_it_is(text: str) -> None:
    assert spoken([text])[0] == visible(text)
