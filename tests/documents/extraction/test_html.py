"""HTML pages."""

from __future__ import annotations

import pytest

from documents.extraction import html, media_types
from tests.documents.extraction.reading import read_here, read_in_child, refusal_of


def text_of(body: str, head: str = "") -> str:
    return read_here(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()).text


def test_headings_lists_tables_and_code_become_markdown() -> None:
    read = read_in_child(
        b"<!doctype html><html lang='de-CH'><head><title> Pay\n rules </title></head><body><h2>Pay</h2>"
        b"<p>Once a<br>month.</p><ul><li>gross<ul><li>tax</li></ul></li><li>net</li></ul><table>"
        b"<tr><th>Grade</th><th>Euro</th></tr><tr><td><p>A</p></td><td>1<b>0</b></td></tr></table>"
        b"<pre># no heading\n  kept</pre>after</body></html>"
    )

    assert read.text == (
        "## Pay\n\nOnce a\nmonth.\n\n- gross\n  - tax\n- net\n\nGrade | Euro\nGrade: A; Euro: 10\n\n"
        "```\n# no heading\n  kept\n```\n\nafter"
    )
    assert (read.media_type, read.title, read.language, read.markdown) == (media_types.HTML, "Pay rules", "de", True)


INVISIBLE = [
    "<script>secret()</script>",
    "<style>.secret {}</style>",
    "<!-- secret -->",
    "<noscript>secret</noscript>",
    "<template>secret</template>",
    "<p hidden>secret</p>",
    "<p style='display: none'>secret</p>",
    "<p style='visibility:hidden'>secret</p>",
    "<p style='font-size:0px'>secret</p>",
    "<p style='font-size: 0'>secret</p>",
    "<p style='opacity:0'>secret</p>",
    "<p style='color:#FFF'>secret</p>",
    "<p style='color: white; font-weight: bold'>secret</p>",
    "<p style='text-indent:-9999px'>secret</p>",
    "<p class='x gone'>secret</p>",
    "<p id='away'>secret</p>",
    "<img alt='secret'>",
    "<p title='secret'></p>",
    "<nav>secret</nav>",
    "<div role='navigation'>secret</div>",
    "<ul class='breadcrumbs'><li>secret</li></ul>",
    "<footer>secret</footer>",
    "<button>secret</button>",
    "<select><option>secret</option></select>",
]
SHEET = "<style>@media print { .shown {display: none} } .gone, #away { color: red; display:none }</style>"


@pytest.mark.parametrize("invisible", INVISIBLE)
def test_what_no_reader_sees_is_no_text(invisible: str) -> None:
    assert text_of(f"<p>before</p>{invisible}<p>after</p>", SHEET) == "before\n\nafter"


@pytest.mark.parametrize(
    "visible",
    [
        "<p class='shown'>text</p>",  # hidden on paper only
        "<p style='color:white; background: navy'>text</p>",
        "<p style='font-size:0.8em'>text</p>",
        "<p style='opacity:0.5'>text</p>",
        "<article><footer>text</footer></article>",
        "<form><p>text</p></form>",
        "<header>text</header>",
    ],
)
def test_what_a_reader_sees_is_text(visible: str) -> None:
    assert text_of(f"<p>before</p>{visible}<p>after</p>", SHEET) == "before\n\ntext\n\nafter"


def test_links_around_the_page_are_left_out_and_links_in_it_are_not() -> None:
    links = "<p><a href='/'>Home</a></p><p><a href='/a'>About</a> <a href='/b'>Jobs</a></p>"

    assert text_of(f"{links}<p>Real text.</p>{links}<p>More text.</p>{links}") == (
        "Real text.\n\nHome\n\nAbout Jobs\n\nMore text."
    )
    assert text_of("<p>Text.</p><h2>See also</h2><p><a href='/'>Form A-12</a></p>").endswith("Form A-12")
    assert text_of(links) == "Home\n\nAbout Jobs"  # there is nothing else


def test_a_page_that_only_a_script_shows_is_read_all_the_same() -> None:
    assert text_of("<div style='display:none'><p>Loaded later</p></div>") == "Loaded later"


def test_a_layout_table_is_no_table() -> None:
    assert text_of("<table><tr><td><h1>Title</h1><p>One.</p><p>Two.</p></td></tr></table>") == "# Title\n\nOne.\n\nTwo."


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<html><p>schön €".encode("cp1252"), "schön €"),  # declares nothing
        ("<html><meta charset='ISO-8859-1'><p>schön €".encode("cp1252"), "schön €"),  # what browsers make of Latin-1
        ("<html><meta charset=iso-8859-2><p>łódź".encode("iso8859-2"), "łódź"),
        ("<html><meta http-equiv='Content-Type' content='text/html; charset=koi8-r'><p>мир".encode("koi8-r"), "мир"),
        ("<html><meta charset='iso-8859-1'><p>schön €".encode(), "schön €"),  # it is UTF-8 after all
        ("<html><meta charset='no-such'><p>schön".encode(), "schön"),
        ("<html><meta charset='utf-16'><p>schön".encode(), "schön"),  # then nobody could have read the declaration
        ("<html><p>schön".encode("utf-16"), "schön"),
        ("<?xml version='1.0' encoding='shift_jis'?><html><p>日本".encode("cp932"), "日本"),
    ],
)
def test_the_encoding_is_what_the_bytes_or_the_page_say(data: bytes, text: str) -> None:
    assert read_here(data).text == text


def test_a_page_without_text_is_empty() -> None:
    assert refusal_of(b"<!doctype html><html><body><script>x</script></body></html>").code == "empty"


def test_pages_that_are_joined_in_one_file_are_all_read() -> None:
    page = "<html><body><p>page</p></body></html>"

    assert html.read(f"{page}\n{page}<p>after</p>".encode()).parts == ["page\n\npage\n\nafter"]


def test_broken_markup_is_read() -> None:
    assert html.read(b"<p>one<div>two</p></span><td>three").parts == ["one\n\ntwo\n\nthree"]
