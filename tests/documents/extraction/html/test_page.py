"""HTML pages."""

from __future__ import annotations

import pytest

from documents.extraction import media_types
from documents.extraction.html import page as html_page
from documents.extraction.html.attributes import ATTRIBUTES_MAX, with_few_attributes
from documents.text.extraction_notes import Note
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

    assert html_page.read(f"{page}\n{page}<p>after</p>".encode()).parts == ["page\n\npage\n\nafter"]


@pytest.mark.parametrize(
    "end", ["</head><body>", "<meta charset=utf-8>", "<body><svg><title>x</title></svg>", "<h1></h1>"]
)
def test_a_title_that_is_not_closed_does_not_swallow_the_page(end: str) -> None:
    page = f"<html><head><title>Pool rules{end}<p>Open at six.</p></body></html>"

    read = html_page.read(page.encode())

    assert (read.title, read.parts) == ("Pool rules", ["Open at six."])


def test_broken_markup_is_read() -> None:
    assert html_page.read(b"<p>one<div>two</p></span><td>three").parts == ["one\n\ntwo\n\nthree"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<ol><li>Ring<li value=5>Wait<li>Enter</ol>", "1. Ring\n5. Wait\n6. Enter"),
        ("<ol start=3 type=a><li>Ring<li>Wait</ol>", "c. Ring\nd. Wait"),
        ("<ol type=I reversed><li>Ring<li>Wait</ol>", "II. Ring\nI. Wait"),
        ("<ol><li><p>Ring</p><p>once</p></li><li>Wait</li></ol>", "1. Ring\n   once\n2. Wait".replace("   ", "  ")),
        ("<ol><li>Ring<ul><li>once</ul><li>Wait</ol>", "1. Ring\n  - once\n2. Wait"),
        ("<dl><dt>Desk<dd>8-16 h<dt>Pool<dt>Spa<dd>closed<dt>Gym</dl>", "Desk: 8-16 h\nPool, Spa: closed\n\nGym"),
        ("<dl><dt>Who may swim?<dd>Guests.</dl>", "Who may swim? Guests."),
        ("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字</p>", "漢字"),
    ],
)
def test_lists_keep_their_numbers_and_pairs(body: str, text: str) -> None:
    assert text_of(body) == text


@pytest.mark.parametrize(
    "visible",
    [
        "<main><div class='menu'>text</div></main>",  # a list of dishes
        "<div class='menu sidebar'>text</div>",  # no links: it is no navigation
        "<main><nav>text</nav></main>",
        "<footer><address>text</address></footer>",
        "<button aria-expanded='false'>text</button>",
        "<div hidden='until-found'>text</div>",
        "<div role='tabpanel' hidden>text</div>",
        "<a role='button' href='#a' aria-controls='b'></a><div id='b' hidden>text</div>",
        "<div bgcolor='#003366'><span style='color:#fff'>text</span></div>",
        "<table bgcolor='navy'><tr><td><h3><font color='white'>text</font></h3></td></tr></table>",
        "<div class='dark'><p style='color:white'>text</p></div>",
    ],
)
def test_what_looks_like_the_site_and_is_content_is_text(visible: str) -> None:
    sheet = "<style>.dark { background: #222 }</style>"

    assert text_of(f"<p>before</p>{visible}<p>after</p>", sheet).replace("### ", "") == "before\n\ntext\n\nafter"


def test_collapsed_answers_follow_their_questions() -> None:
    body = (
        "<h3><button aria-expanded='false' aria-controls='p1'>May I bring a dog?</button></h3>"
        "<div id='p1' hidden><p>On a lead.</p></div>"
        "<div class='accordion-item'><h3>And a cat?</h3><div class='collapse' style='display:none'>No.</div></div>"
    )

    assert text_of(body) == "### May I bring a dog?\n\nOn a lead.\n\n### And a cat?\n\nNo."


@pytest.mark.parametrize("links", ["<ul class='menu'><li><a href='/'>Home</a><li><a href='/a'>About</a></ul>"])
def test_a_menu_of_links_is_navigation(links: str) -> None:
    assert text_of(f"<p>before</p>{links}<p>after</p>") == "before\n\nafter"


@pytest.mark.parametrize(
    "hidden",
    [
        "<p style='display:none'>Say <b>yes</b>.</p>",
        "<p hidden>Say yes.</p>",
        "<p style='position:absolute; left:-9999px'>Say yes.</p>",
        "<p style='color:#fefefe'>Say yes.</p>",
        "<font color=white>Say yes.</font>",
        "<p class=gone>Say yes.</p>",
    ],
)
def test_hidden_text_is_kept_apart_and_counted(hidden: str) -> None:
    page = f"<!doctype html><html>{SHEET}<body><p>Rail is preferred.</p>{hidden}<script>x()</script></body></html>"

    read = read_in_child(page.encode())

    assert read.text == "Rail is preferred."
    assert read.hidden == "Say yes."
    assert read.notes == (Note("hidden_text", 1),)


def test_an_element_of_thousands_of_attributes_is_read() -> None:
    many = " ".join(f"a{number}='>'" for number in range(20_000))
    page = f"<!doctype html><html><body><p id='x' {many}>text</p><p>after</p></body></html>"

    assert with_few_attributes(page).count("=") == ATTRIBUTES_MAX
    assert read_here(page.encode()).text == "text\n\nafter"


INLINE = [
    (
        "<p>10<sup>6</sup> cells, m<sup>2</sup>, the 5<sup>th</sup> of 2024<sup><a href='#1'>1</a></sup></p>",
        "10^6 cells, m2, the 5th of 2024^1",
    ),
    ("<p>Fee <del>10</del> 12 euros, <s>15</s> 20</p>", "Fee ~~10~~ 12 euros, ~~15~~ 20"),
    (
        "<p>Map: <img src=x alt='The gate is north of the hall'> <img src=y alt='Our logo'></p>",
        "Map: The gate is north of the hall",
    ),
    ("<h2>Fees<a href='#fees'>¶</a></h2>", "## Fees"),
    ("<p>x = <math><mfrac><mn>1</mn><mi>n</mi></mfrac><annotation>1 over n</annotation></math></p>", "x = 1/n"),
    ("<noscript><p>Works without scripts, too.</p></noscript><div id=app></div>", "Works without scripts, too."),
    ("<table><tr><th>A<th>B<tr><td rowspan=0>x<td>1<tr><td>2</table>", "A | B\nA: x; B: 1\nA: x; B: 2"),
]


@pytest.mark.parametrize(("markup", "text"), INLINE)
def test_what_a_reader_sees_besides_letters_is_written(markup: str, text: str) -> None:
    assert read_here(f"<!doctype html><body>{markup}</body>".encode()).text == text


def test_a_table_by_role_is_a_table() -> None:
    def row(role: str, *cells: str) -> str:
        return f"<div role=row>{''.join(f'<span role={role}>{cell}</span>' for cell in cells)}</div>"

    markup = f"<div role=table>{row('columnheader', 'Item', 'Fee')}{row('cell', 'Pool', '5')}</div>"
    assert read_here(f"<!doctype html><body>{markup}</body>".encode()).text == "Item | Fee\nItem: Pool; Fee: 5"


@pytest.mark.parametrize("look", ["style='font-size:1px'", "style='font-size: 1 pt'", "class=w"])
def test_text_as_small_as_a_dot_or_white_by_style_sheet_is_hidden(look: str) -> None:
    markup = f"<!doctype html><style>.w{{color:#fff}}</style><body><p>Seen.</p><p {look}>Not seen.</p></body>"
    content = html_page.read(markup.encode())

    assert (list(content.parts), content.hidden) == (["Seen."], "Not seen.")
