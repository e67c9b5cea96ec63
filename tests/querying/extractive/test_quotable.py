from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querying.extractive.quotable import quotables_of
from querying.generation.citations import best_sentence

LINES = [
    "| | |",
    "|---|---|",
    "| 1 | 2 |",
    "# Fees",
    "",
    "- a",
    "```",
    "One. Two?",
    "Title",
    "===",
    "Q: Who?",
    "> x",
    "1. b",
    "|",
]


@given(st.lists(st.sampled_from(LINES) | st.text(max_size=20), max_size=12))
def test_every_text_can_be_read_and_every_part_is_in_it(lines: list[str]) -> None:
    text = "\n".join(lines)
    parts = quotables_of(text)
    assert all(0 <= part.start < part.end <= len(text) for part in parts)
    span = best_sentence(text, "who")
    assert 0 <= span.start <= span.end <= len(text)


@pytest.mark.parametrize("header", ["| | |", "| | b |", "|a|b|"])
def test_a_tables_header_is_no_quote_of_its_own_whether_it_says_something_or_not(header: str) -> None:
    text = f"{header}\n|---|---|\n| 400 | bad input |"
    assert [text[part.start : part.end] for part in quotables_of(text)] == ["400 | bad input"]


def test_a_number_alone_is_quoted_with_its_sign() -> None:
    assert [(each.start, each.end) for each in quotables_of("1. .")] == [(0, 4)]


def test_a_row_with_the_names_of_its_columns_is_one_quote_and_the_header_is_none() -> None:
    header = "name | fee (e.g. per day) | since"
    text = f"Fees\n{header}\nname: room. No. 2; fee (e.g. per day): 12\nname: hall; since: 2021\n\nEnd."

    assert [text[part.start : part.end] for part in quotables_of(text)][-3:] == [
        "name: room. No. 2; fee (e.g. per day): 12",
        "name: hall; since: 2021",
        "End.",
    ]
    assert not any(part.columns for part in quotables_of(text))
