"""File names and titles of uploads are cleaned for display."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.names import clean_name, clean_text, title_of

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=600)


@given(ANY_TEXT)
def test_a_cleaned_name_can_be_stored_and_shown(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned) <= 255
    assert "/" not in cleaned
    assert "\\" not in cleaned
    assert cleaned not in {".", ".."}
    assert not {unicodedata.category(char) for char in cleaned} & {"Cc", "Cf", "Cs", "Co"}
    assert cleaned.encode("utf-8")
    assert title_of(name)


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\plan.docx", "plan.docx"),
        ("..", "document"),
        ("", "document"),
        ("a\x00b.txt", "ab.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),  # turned around, it read invoiceexe.pdf
        ("Cafe\u0301.txt", "Café.txt"),
        ("two\n  lines.txt", "two lines.txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_a_name_keeps_what_is_a_name(given_name: str, cleaned: str) -> None:
    assert clean_name(given_name) == cleaned


def test_a_title_is_the_name_without_its_ending() -> None:
    assert title_of("docs/Travel policy.v2.pdf") == "Travel policy.v2"
    assert title_of(".env") == ".env"


@given(ANY_TEXT, st.integers(1, 50))
def test_a_cleaned_text_is_short_and_cleaning_it_again_changes_nothing(text: str, max_chars: int) -> None:
    cleaned = clean_text(text, max_chars)
    assert len(cleaned) <= max_chars
    assert clean_text(cleaned, max_chars) == cleaned
