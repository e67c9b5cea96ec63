"""Hidden characters are removed from a text; emoji and scripts with joiners look the same as before."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.invisible_characters import visible
from documents.text.names import clean_text

HIDDEN = [*map(chr, [0x00, 0x61C, 0x200B, 0x200E, 0x202E, 0x2066, 0xFEFF, 0x34F, 0x115F, 0x3164, 0xFE00, 0xFE0E])]
HIDDEN += [chr(code) for code in (0xE0001, 0xE0041, 0xE0100, 0xE01EF)]


@pytest.mark.parametrize("char", HIDDEN)
def test_a_hidden_character_goes_wherever_it_stands(char: str) -> None:
    for text in (f"a{char}b", f"{char}ab", f"ab{char}", f"❤{char}b", f"क{char}"):
        assert char not in visible(text)
        assert char not in clean_text(text, 100)


@pytest.mark.parametrize("text", ["❤️ ok", "👩‍👩‍👧", "क्‍ष", "می‌خواهم", "☎️", "plain\ttext\n", "Überstunden 中文"])
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", ["a️️", "x️", "1️", "❤️️️", "क‌‍‌‍", "a‌‍b"])
def test_a_run_of_selectors_or_joiners_spells_nothing(text: str) -> None:
    left = [char for char in visible(text) if unicodedata.category(char) in {"Cf", "Mn"}]
    assert len(left) <= 1


PARTS = st.sampled_from(["a", "❤", "️", "‍", "‌", "क", "\u061c", "\U000e0100", " ", "\ud800"])


@given(st.lists(PARTS, max_size=8), st.lists(PARTS, max_size=8))
def test_a_cut_of_the_text_changes_nothing(first: list[str], second: list[str]) -> None:
    one, other = "".join(first), "".join(second)
    assert visible(one) + visible(other, one[-1:]) == visible(one + other)
