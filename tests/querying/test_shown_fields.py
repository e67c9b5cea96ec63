"""Titles, headings and sources leave without a link or an image, and as they are where there is none in them."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from querying.api.representing import passages_as_json
from querying.shown_fields import shown_name, shown_source
from tests.querying.passages import make_passage
from tests.querying.test_output_filter import PAYLOADS

CHAT_CLIENT = MarkdownIt("gfm-like", {"html": True, "linkify": True})
ATTACK = "Handbook ![x](https://evil.example/leak.png) <img src=//evil.example/x>"


def live_in(text: str) -> list[str]:
    soup = BeautifulSoup(CHAT_CLIENT.render(text), "html.parser")
    return [str(tag) for tag in soup.find_all(["a", "img", "svg", "iframe", "script"])]


def test_the_oracle_sees_what_a_title_could_bring() -> None:
    assert sum(bool(live_in(f"Title: {payload}")) for payload in PAYLOADS) > 40


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_field_brings_a_link(payload: str) -> None:
    for text in (payload, f"Title {payload} end", f"{payload}.pdf"):
        assert live_in(shown_name(text)) == [], text


@given(st.lists(st.sampled_from([*"[]()!<>:/\\.&#;`|_ a", "https://", "evil.com", "@", "![x]", "www."]), max_size=12))
def test_no_text_as_a_title_brings_a_link(parts: list[str]) -> None:
    assert live_in(shown_name("".join(parts))) == []


@pytest.mark.parametrize(
    "name",
    [
        "Staff handbook",
        "README.md",
        "Q3 report (final).pdf",
        "Annex [1], Fees",
        "Lương & thưởng",
        "List<int>",
        "假期 ❤️",
    ],
)
def test_a_plain_name_stays(name: str) -> None:
    assert shown_name(name) == name


@pytest.mark.parametrize("source", ["handbook.pdf", "rules/2024/leave.md", "https://intranet.example/rules?id=3"])
def test_a_path_or_an_address_stays_a_source(source: str) -> None:
    assert shown_source(source) == source


@pytest.mark.parametrize("source", [ATTACK, "javascript:alert(1)", "a\u202eb.pdf", "[x](https://evil.example)"])
def test_a_source_that_is_more_than_a_place_is_filtered(source: str) -> None:
    assert live_in(shown_source(source)) == []
    assert "\u202e" not in shown_source(source)
    assert "script:" not in shown_source(source)


def test_every_field_of_a_passage_is_filtered() -> None:
    (told,) = passages_as_json([make_passage("Text.", document_title=ATTACK, heading=f"Pay > {ATTACK}")])  # type: ignore[list-item]
    for field in ("title", "heading", "source"):
        assert "https://" not in told[field]
        assert "![" not in told[field]
        assert "<img" not in told[field]
