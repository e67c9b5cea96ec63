"""Titles, headings and sources lose links and images, and are unchanged without them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from querying.api.representing import citation_as_json, passages_as_json
from querying.generation.citations import Citation
from querying.output.shown_fields import shown_name, shown_quote, shown_source
from tests.querying.output.test_link_filter import PAYLOADS
from tests.querying.passages import make_passage

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
    (told,) = passages_as_json([make_passage("Text.", document_title=ATTACK, heading=f"Pay > {ATTACK}")])
    for field in ("title", "heading", "source"):
        assert "https://" not in told[field]
        assert "![" not in told[field]
        assert "<img" not in told[field]


INVISIBLE = "\u200b\u202e\ufe0f\u061c\U000e0041\U000e0101"


def make_citation(**changes: Any) -> Citation:
    values: dict[str, Any] = {
        "number": 1, "document_id": uuid4(), "document_title": "T", "document_source": "t.md", "chunk_id": 1,
        "heading": "", "page": None, "start": 0, "end": 1, "quote": "x",
    }  # fmt: skip
    return Citation(**values | changes)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_quote_as_markdown_brings_no_link(payload: str) -> None:
    for text in (payload, f"Before {payload} after", f"a\n\n{payload}"):
        assert live_in(shown_quote(text)) == [], text


def test_every_field_of_a_citation_is_inert_but_the_exact_quote() -> None:
    attack = f"{ATTACK}{INVISIBLE}"
    cited = make_citation(document_title=attack, document_source=attack, heading=attack, quote=f"Pay\n{attack}")
    told = citation_as_json(cited, "")
    assert told["quote"] == f"Pay\n{attack}"
    shown = [told["document"]["title"], told["document"]["source"], told["heading"], told["quote_markdown"]]
    for text in shown:
        assert live_in(text) == [], text
        assert not set(INVISIBLE) & set(text)
    assert "\n" not in told["quote_markdown"]


@given(st.sampled_from(PAYLOADS), st.sampled_from(PAYLOADS), st.integers(0, 200))
def test_no_field_brings_a_link_wherever_another_one_begins_in_it(outer: str, inner: str, place: int) -> None:
    at = place % (len(outer) + 1)
    text = f"{outer[:at]}{inner}{outer[at:]}"
    for shown in (shown_name(text), shown_quote(text), shown_source(f"{text} ")):  # a source may be one address
        assert live_in(shown) == [], text
