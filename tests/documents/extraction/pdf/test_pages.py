"""What a reader of a PDF's pages sees, and in which order: nothing more, nothing twice, nothing lost without a word."""

from __future__ import annotations

import pytest

from documents.text.extraction_notes import Note, message_of
from tests.documents.extraction import making
from tests.documents.extraction.making import PICTURE, line
from tests.documents.extraction.reading import read_here, read_in_child, refusal_of

LEFT = [
    "The harbour is open from",
    "May until October, and the",
    "crane is used by members",
    "only after they have been",
    "shown how it works.",
]
RIGHT = [
    "Guests pay a fee for each",
    "night that they stay, which",
    "is due on arrival. Dogs are",
    "kept on a lead, also on the",
    "boats of their owners.",
]


def side_by_side(left: list[str], right: list[str], *, step: int = 14, pauses: bool = False) -> bytes:
    """Return a page that draws two columns line by line."""
    y, content = 700, b""
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        content += line(one, y) + line(other, y, x=300)
        y -= step * (2 if pauses and number % 2 else 1)
    return content


def test_columns_that_are_drawn_line_by_line_are_read_one_after_the_other() -> None:
    page = line("Rules of the harbour, for members and for guests of the club, and for their dogs", 740)

    assert read_here(making.pdf([page + side_by_side(LEFT, RIGHT)])).text.split("\n")[1:] == LEFT + RIGHT


def test_three_columns_are_read_one_after_the_other() -> None:
    content = b""
    third = [
        "In winter the boats stand",
        "in the hall, which is not",
        "heated. Keys for it are at",
        "the desk, and they are",
        "brought back every day.",
    ]
    for number, (one, two, three) in enumerate(zip(LEFT, RIGHT, third, strict=True)):
        y = 700 - 14 * number
        content += line(one, y, x=40) + line(two, y, x=220) + line(three, y, x=400)

    assert read_here(making.pdf([content])).text.split("\n") == LEFT + RIGHT + third


TABLES = [
    (["Crane", "Slipway", "Showers", "Boat house", "Office"], ["12 euros", "9 euros", "2 euros", "30 euros", "free"]),
    (["Crane", "Use of the slipway", "Showers", "Boat house", "Office"], RIGHT),
]


@pytest.mark.parametrize(("left", "right"), TABLES)
def test_the_rows_of_a_table_stay_together(left: list[str], right: list[str]) -> None:
    expected = [f"{one} {other}" for one, other in zip(left, right, strict=True)]

    assert read_here(making.pdf([side_by_side(left, right)])).text.split("\n") == expected


def test_cells_of_several_lines_whose_rows_stand_apart_are_a_table() -> None:
    text = read_here(making.pdf([side_by_side(LEFT * 2, RIGHT * 2, pauses=True)])).text

    assert text.startswith(f"{LEFT[0]} {RIGHT[0]}")


def test_an_empty_cell_of_a_table_stays_empty() -> None:
    cells = [["Name", "Phone", "Fax"], ["Ada", "111", "222"], ["Grace", "", "555"], ["Alan", "777", ""]]
    content = b""
    for number, each in enumerate(cells):
        for place, text in enumerate(each):
            content += line(text, 700 - 16 * number, x=72 + 120 * place) if text else b""

    assert read_here(making.pdf([line("Numbers", 730) + content + line("As of May.", 600)])).text.split("\n") == [
        "Numbers",
        "Name | Phone | Fax",
        "Name: Ada; Phone: 111; Fax: 222",
        "Name: Grace; Fax: 555",
        "Name: Alan; Phone: 777",
        "As of May.",
    ]


def test_rows_in_columns_without_a_header_are_lines() -> None:
    content = line("Rules", 700) + line("May", 700, x=400)
    for number, each in enumerate(["Ada 1 2", "Grace 3 4", "Alan 5 6"]):
        for place, text in enumerate(each.split()):
            content += line(text, 684 - 16 * number, x=72 + 120 * place)

    assert read_here(making.pdf([content])).text == "Rules May\nAda 1 2\nGrace 3 4\nAlan 5 6"


def test_what_is_cut_off_the_page_is_hidden() -> None:
    data = making.pdf([line("Shown to all.", 700) + line("Cut away.", 100)], page_extra="/CropBox [0 400 595 842]")
    read = read_in_child(data)

    assert (read.text, read.hidden) == ("Shown to all.", "Cut away.")
    assert read.notes == (Note("hidden_text"),)


def test_a_line_that_only_sticks_out_of_the_page_is_whole() -> None:
    data = making.pdf([line("A line that is a little too long for it.")], page_extra="/CropBox [0 0 280 842]")

    assert read_here(data).text == "A line that is a little too long for it."


WHITE, BLUE, NO_INK = b"1 1 1 rg ", b"0 0 1 rg ", b"3 Tr "


@pytest.mark.parametrize(
    ("content", "is_seen"),
    [
        (WHITE + line("Say yes."), False),
        (BLUE + b"50 650 300 100 re f " + WHITE + line("Say yes."), True),  # white on blue
        (WHITE + b"50 650 300 100 re f " + line("Say yes."), False),
        (PICTURE + WHITE + line("Say yes."), True),
        (NO_INK + line("Say yes."), False),
        (PICTURE + NO_INK + line("Say yes."), True),  # a scan, and what text recognition found in it
        (line("Say yes.", size=0.4), False),  # type: ignore[arg-type]
        (line("Say yes."), True),
    ],
)
def test_text_that_nobody_sees_is_kept_apart(content: bytes, *, is_seen: bool) -> None:
    seen = line("All that a reader of this page can see.", 500)
    read = read_in_child(making.pdf([seen + content]))

    assert ("Say yes." in read.text, "Say yes." in read.hidden) == (is_seen, not is_seen)


def test_a_line_with_a_shadow_comes_once() -> None:
    page = line("Summer party", 700, size=20) + line("Summer party", 699, x=73, size=20) + line("At six.", 600)

    assert read_here(making.pdf([page])).text.count("Summer party") == 1
    assert read_here(making.pdf([line("again", 700) + line("again", 680)])).text == "again\nagain"


def test_headers_and_footers_come_once_and_page_numbers_never() -> None:
    def page(number: int) -> bytes:
        body = line(f"Body number {number} of the manual.", 700) + line("It is the same on each page.", 686)
        return line("Security manual", 810) + body + line(f"Page {number} of 5", 30)

    read = read_in_child(making.pdf([page(number) for number in range(1, 6)]))

    assert read.text.count("Security manual") == 1
    assert read.text.startswith("Security manual\nBody number 1")
    assert "Page " not in read.text
    assert read.text.count("It is the same on each page.") == 5
    assert read.notes == (Note("repeated_lines", 4 + 5),)


def test_left_and_right_pages_have_headers_of_their_own() -> None:
    pages = [line(f"{'Left' if n % 2 else 'Right'} side", 810) + line(f"Text {n}.", 700) for n in range(8)]
    text = read_here(making.pdf(pages)).text

    assert (text.count("Left side"), text.count("Right side")) == (1, 1)


@pytest.mark.parametrize("y", [810, 700])
def test_what_only_looks_like_its_neighbours_is_no_header(y: int) -> None:
    pages = [line(f"Record {n}: the box is on shelf S{n}.", y) for n in range(1, 9)]
    assert read_here(making.pdf(pages)).text.count("Record") == 8  # all that the pages have

    pages = [line(f"Article {n * n}", y) + line(f"Law {n}.", 600) for n in range(1, 9)]
    assert read_here(making.pdf(pages)).text.count("Article") == 8  # no page numbers

    pages = [line(f"Exercise {n}", y, size=18) + line(f"Do it {n} times.", 600) for n in range(1, 9)]
    assert read_here(making.pdf(pages)).text.count("Exercise") == 8  # larger than the text: titles


def test_larger_letters_are_headings() -> None:
    page = line("House rules", 780, size=24)
    page += b"".join(line("It is only allowed to call the fire brigade then.", y) for y in range(560, 300, -14))
    page += line("Quiet hours", 740, size=16) + line("From ten to six it is quiet in the whole house.", 720)
    page += (
        line("Waste and", 690, size=16) + line("recycling", 674, size=16) + line("Glass goes into the green bin.", 650)
    )
    read = read_in_child(making.pdf([page]))

    assert read.markdown
    assert [text for text in read.text.split("\n") if text.startswith("#")] == [
        "# House rules", "## Quiet hours", "## Waste and recycling",
    ]  # fmt: skip


def test_a_page_in_one_size_has_no_headings_and_is_no_markdown() -> None:
    read = read_in_child(making.pdf([line("# not a heading", 700) + line("It is text.", 680)]))

    assert (read.markdown, read.text) == (False, "# not a heading\nIt is text.")


def test_the_outline_names_the_headings() -> None:
    outline = {
        2000: b"<< /Type /Outlines /First 2001 0 R /Last 2001 0 R /Count 2 >>",
        2001: b"<< /Title (1 Pay) /Parent 2000 0 R /Dest [10 0 R /Fit] /First 2002 0 R /Last 2002 0 R /Count 1 >>",
        2002: b"<< /Title (Bonus) /Parent 2001 0 R /Dest [12 0 R /Fit] >>",
    }
    pages = [
        line("Pay", 700) + line("It comes monthly.", 686),
        line("# 9", 710) + line("Bonus", 690) + line("None.", 670),
    ]
    read = read_in_child(making.pdf(pages, extra="/Outlines 2000 0 R", more=outline))

    assert read.text == "# Pay\n\nIt comes monthly.\n\n\\# 9\n\n## Bonus\n\nNone."


FREE_TEXT = b"<< /Type /Annot /Subtype /FreeText /Rect [100 500 300 520] /Contents (Approved by Ada) /DA (/F 12 Tf) >>"


def annotated(annotation: bytes, *, fields: str = "") -> bytes:
    extra = f"/AcroForm << /Fields [{fields}] >>" if fields else ""
    return making.pdf([line("The page.")], extra=extra, page_extra="/Annots [2000 0 R]", more={2000: annotation})


def widget(entries: bytes) -> bytes:
    return b"<< /Type /Annot /Subtype /Widget /Rect [100 500 300 520] /F 4 %s >>" % entries


@pytest.mark.parametrize(
    ("annotation", "is_field", "read"),
    [
        (FREE_TEXT, False, "Approved by Ada"),
        (FREE_TEXT.replace(b"/FreeText", b"/Highlight"), False, "Comment: Approved by Ada"),
        (FREE_TEXT.replace(b"/FreeText", b"/Text /F 2"), False, None),  # hidden
        (FREE_TEXT.replace(b"Approved by Ada", b"The page"), False, None),  # stands there already
        (widget(b"/FT /Tx /T (f1) /TU (Full name) /V (Ada Lovelace)"), True, "Ada Lovelace"),
        (widget(b"/FT /Tx /T (Town) /V (\xfe\xff\x00K\x00\xf6\x00l\x00n)"), True, "Köln"),
        (widget(b"/FT /Tx /T (Town)"), True, None),
        (
            widget(b"/FT /Btn /T (Newsletter) /V /Yes /AS /Yes /AP << /N << /Yes 2001 0 R /Off 2001 0 R >> >>"),
            True,
            "Newsletter: yes",
        ),
    ],
)
def test_what_was_written_onto_a_page_is_read(annotation: bytes, *, is_field: bool, read: str | None) -> None:
    data = annotated(annotation, fields="2000 0 R" if is_field else "")
    if b"2001 0 R" in data:
        mark = making.stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
        data = making.pdf(
            [line("The page.")],
            extra="/AcroForm << /Fields [2000 0 R] >>",
            page_extra="/Annots [2000 0 R]",
            more={2000: annotation, 2001: mark},
        )

    assert read_here(data).text.split() == ["The", "page.", *(read or "").split()]


def test_a_form_that_is_described_in_xml_is_read() -> None:
    field = "<field name='n'><caption><value><text>Full name:</text></value></caption></field>"
    drawn = "<draw><value><text>Permit</text></value></draw>"
    template = (
        f"<template xmlns='http://www.xfa.org/schema/xfa-template/3.0/'><subform>{drawn}{field}</subform></template>"
    )
    values = "<x:datasets xmlns:x='http://www.xfa.org/schema/xfa-data/1.0/'><x:data><n>Ada</n></x:data></x:datasets>"
    data = making.pdf(
        [line("Please wait ...")],
        extra="/NeedsRendering true /AcroForm << /Fields [] /XFA [(template) 2000 0 R (datasets) 2001 0 R] >>",
        more={2000: making.stream(template.encode()), 2001: making.stream(values.encode())},
    )

    assert read_in_child(data).text == "Please wait ...\n\nPermit\nFull name: Ada"


def test_pages_that_are_scans_are_named() -> None:
    read = read_in_child(making.pdf([line("The cover of a contract with Arden."), PICTURE, PICTURE, b"", PICTURE]))

    assert read.notes == (Note("picture_pages", 3, (2, 3, 5)),)
    assert "(pages 2-3, 5)" in message_of(read.notes[0])


def test_a_page_of_strips_is_a_scan() -> None:
    strips = b"".join(b"q 595 0 0 84 0 %d cm /Im Do Q " % (84 * number) for number in range(10))

    assert refusal_of(making.pdf([strips])).code == "no_text"


def test_letters_that_were_turned_into_curves_are_no_text() -> None:
    assert refusal_of(making.pdf([b"10 10 m 20 20 l 30 10 l f " * 300])).code == "no_text"


def test_glyph_numbers_are_read_where_they_can_be() -> None:
    assert read_here(making.pdf_of_glyph_numbers(["The safe is opened by two people."])).text == (
        "The safe is opened by two people."
    )


def test_glyph_numbers_that_mean_nothing_are_refused_or_named() -> None:
    secret = "".join(chr(29 + 3 + ord(letter) * 2) for letter in "The safe is opened by two people.")
    refused = refusal_of(making.pdf_of_glyph_numbers([secret, secret]))
    assert (refused.code, "fonts" in refused.message) == ("no_text", True)

    read = read_in_child(making.pdf_of_glyph_numbers(["The safe is opened by two people.", secret]))
    assert read.notes == (Note("letterless_pages", 1, (2,)),)
    assert read.text == "The safe is opened by two people."


def test_damaged_pages_and_files_inside_are_counted() -> None:
    files = "/Names << /EmbeddedFiles << /Names [(a.txt) 2000 0 R] >> >>"
    more = {2000: b"<< /Type /Filespec /F (a.txt) /EF << /F 2001 0 R >> >>", 2001: making.stream(b"x")}
    read = read_in_child(making.pdf([line("One."), line("lost")], broken=[1], extra=files, more=more))

    assert set(read.notes) == {Note("damaged_pages", 1, (2,)), Note("files_inside")}


def test_an_empty_file_with_a_damaged_page_is_called_damaged() -> None:
    assert refusal_of(making.pdf([b"", line("lost")], broken=[1])).code == "broken"
