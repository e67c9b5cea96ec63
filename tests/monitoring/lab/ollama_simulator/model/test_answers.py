"""What the stand-in says rests on the passages that it was given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.lab.ollama_simulator.model.answers import NOTHING_FOUND, extract_answer
from monitoring.lab.ollama_simulator.model.tokens import count_tokens, cut_to_tokens, pieces_of

CATS = "Cats sleep up to sixteen hours a day. They hunt at dawn."
DOGS = "The registration of dogs is done at the town hall. It costs 40 euros a year."
ASKED = "Where is the dog registration done?"
MARK = "0123456789abcdef0123456789abcdef"
BARKS = "A dog barks at the moon."  # shorter, and it shares a word with the question
SYSTEM = "Answer from the passages only, and cite them like [1]."


@pytest.mark.parametrize(
    "prompt",
    [
        f"Passages:\n[1] {CATS}\n[2] {DOGS}\n[3] {BARKS}\n\nQuestion: {ASKED}",
        f"[1]\n{CATS}\n\n[2]\nTitle: Rules, page 3\n{DOGS}\n\n[3]\n{BARKS}\n\n{ASKED}",
        f'<passage number="1">\n{CATS}\n</passage>\n<passage number="2" title="x">\n{DOGS}\n</passage>\n'
        f"Question: {ASKED}",
        f"**Question**: {ASKED}\n\n[1] {CATS}\n[2] {DOGS}\n\n{ASKED}",
        f"Each begins with {MARK}.\n\n{MARK} passage 1\nDocument: Dogs at the town hall\nText:\n{CATS}\n\n"
        f"{MARK} passage 2\nDocument: x\nText:\n{DOGS}\n\n{MARK} question\n{ASKED}\n{MARK} end\n\nAnswer it.",
    ],
    ids=["one line each", "blocks", "tags", "question first and last", "marks"],
)
def test_the_best_sentence_is_said_with_the_number_of_its_passage(prompt: str) -> None:
    assert extract_answer([SYSTEM, prompt]).startswith("The registration of dogs is done at the town hall. [2]")


def test_a_sentence_that_is_wrapped_over_lines_is_one_and_one_in_an_faq_is_no_question() -> None:
    faq = "[1] Question: may dogs\nenter the bus?\nYes, with\na ticket for the dog.\n[2] Cats sleep a lot in the sun."
    assert extract_answer([faq, "Which ticket does a dog need?"]).startswith("Yes, with a ticket for the dog. [1]")


def test_passages_may_be_in_another_message_than_the_question() -> None:
    said = extract_answer([f"[1] {CATS}\n[2] {DOGS}", "How many hours do cats sleep?"])
    assert said == "Cats sleep up to sixteen hours a day. [1]"


def test_a_question_that_shares_no_word_with_the_passages_is_not_answered() -> None:
    assert extract_answer([f"[1] {CATS}\n\nQuestion: Who wrote Hamlet?"]) == NOTHING_FOUND
    assert extract_answer([]) == NOTHING_FOUND


@given(st.lists(st.text(max_size=300), max_size=4))
def test_any_prompt_gets_some_answer(texts: list[str]) -> None:
    assert extract_answer(texts)


@given(st.text(max_size=300), st.integers(1, 50))
def test_tokens_are_the_text_and_a_cut_text_fits(text: str, limit: int) -> None:
    assert "".join(pieces_of(text)) == text
    assert len(pieces_of(text, limit)) == limit
    short = cut_to_tokens(text, limit)
    assert text.startswith(short)
    assert count_tokens(short) <= limit
