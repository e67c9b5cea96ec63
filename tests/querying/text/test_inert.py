"""Text of documents is shown literally: nothing in it becomes markup or a link."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from querying.text.inert import inert

AS_IT_IS = [
    "Every employee has 28 days of holiday.",
    "The `UPLOAD_MAX` is **50 MB**, at most (see below).",  # the document's own markdown
    "Press *Ask again* above (or *the other one*), *now*.",  # emphasis over several words
    "snake_case and 2 * 3 and 5 < 7 & a | b",
    "He said [sic] so, and “no” too.",
    "Nhà thầu phải nộp hồ sơ; 工资是五千元。",
    "AT&T, R&D",
]
IN_CODE = [
    ("It is map[7].", "It is `map[7]`."),  # not the seventh passage
    ("see [2] and [1, 3]", "see `[2]` and `[1, 3]`"),
    ("a <b>word</b> here", "a `<b>word</b>` here"),
    ("<img src=x onerror=alert(1)> end", "`<img src=x onerror=alert(1)>` end"),
    ("read [the rules](https://evil.example/a b) now", "read `[the rules](https://evil.example/a b)` now"),
    ("![x](//evil.example/a.png)", "`![x](//evil.example/a.png)`"),
    ("[text][ref]", "`[text][ref]`"),
    ("at https://evil.example/x?y=1, or", "at `https://evil.example/x?y=1`, or"),
    ("(www.evil.example)", "(`www.evil.example)`"),
    ("host.example/path is it", "`host.example/path` is it"),
    ("Write to anna@office.example.", "Write to `anna@office.example`."),
    ("javascript:alert(1)", "`javascript:alert(1)`"),
    ("&copy; 2020 &#106;", "`&copy;` 2020 `&#106;`"),
    ("press *a https://e.example b* now", "press `*a` `https://e.example` b* now"),
    ("from *here on", "from `*here` on"),
    ("a*b*c and __init__", "`a*b*c` and `__init__`"),
    (r"C:\*x", r"`C:\*x`"),
    ("a ` b", "a `` ` `` b"),  # alone: it would begin a code span
    ("`` `a` `` x", "`` `a` `` x"),
    ("`x`[1]", "`` `x`[1] ``"),
]


@pytest.mark.parametrize("text", AS_IT_IS)
def test_what_does_nothing_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(("text", "expected"), IN_CODE)
def test_what_could_do_something_is_shown_as_code(text: str, expected: str) -> None:
    assert inert(text) == expected


# As CommonMark reads them: a run of backticks up to the next run of the same length.
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LIVE = re.compile(r"<[a-zA-Z/!?]|\]\(|!\[|\[\d+\]|://|www\.\w|&#|\w@\w+\.\w")


@given(
    st.lists(st.sampled_from([*"ab `<>[]()!1&#;*_. ", "https://e.example", "www.e.example", "a@b.example"])).map(
        "".join
    )
)
def test_nothing_that_does_something_is_left_outside_of_code_and_nothing_is_lost(text: str) -> None:
    line = " ".join(text.split())
    shown = inert(line)
    assert not LIVE.search(CODE_SPAN.sub(" ", shown)), shown
    assert shown.replace("`", "").replace(" ", "") == line.replace("`", "").replace(" ", "")
