"""Headings of a Markdown text are found, and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.headings import as_body, as_heading, find_headings, plain


def found(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in find_headings(text)]


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("# One\ntext\n### Three ###\n#", [(1, "One"), (3, "Three"), (1, "")]),
        ("One\n===\n\nTwo\n---\ntext", [(1, "One"), (2, "Two")]),
        ("#no heading\n#5 either\n####### seven", []),
        ("```\n# code\n```\n# after", [(1, "after")]),
        ("````\n```\n# code\n````\n# after", [(1, "after")]),
        ("~~~\n# code\n```\n# code", []),
        ("para\n\n---\n\n- item\n---\n| a |\n---", []),  # rules, not underlines
        ("# **Bold** `code` [link](http://x) snake_case", [(1, "Bold code link snake_case")]),
    ],
)
def test_headings_are_found_where_a_reader_sees_them(text: str, headings: list[tuple[int, str]]) -> None:
    assert found(text) == headings


LINE = st.text(st.sampled_from(list("#=-`~ \tab1|>\n")), max_size=40)


@given(LINE)
def test_a_body_never_makes_a_heading(text: str) -> None:
    assert found(as_body(text)) == []
    assert found(f"before\n\n{as_body(text)}\n\nafter") == []


@given(st.integers(1, 6), st.text(st.characters(categories=["L", "N"]), min_size=1))
def test_a_heading_is_found_again(level: int, text: str) -> None:
    assert found(as_heading(level, text)) == [(level, plain(text))]


@given(LINE)
def test_a_heading_is_a_span_of_the_text_and_spans_do_not_overlap(text: str) -> None:
    end = 0
    for heading in find_headings(text):
        assert end <= heading.start < heading.end <= len(text)
        end = heading.end


def test_code_in_a_line_opens_no_block_of_code() -> None:
    text = "```run``` starts it.\n\n# Install\n\ntext\n\n```x```\n\n# Remove\n"

    assert [heading.text for heading in find_headings(text)] == ["Install", "Remove"]
