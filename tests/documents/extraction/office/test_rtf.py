"""Rich Text files."""

from __future__ import annotations

import unicodedata

import pytest

from documents.extraction import media_types
from documents.extraction.office import rtf
from documents.text.extraction_notes import Note
from tests.documents.extraction.reading import read_in_child, refusal_of

FONTS = (
    rb"{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 MS Gothic;}"
    rb"{\f3\fcharset2 Symbol;}{\f4\fcharset163 Times;}}"
)
STYLES = (
    rb"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s2 heading 2;}{\s9 Title;}"
    rb"{\s3\outlinelevel2 Part;}}"
)


def file(body: bytes, head: bytes = b"") -> bytes:
    return rb"{\rtf1\ansi\ansicpg1252\deff0" + FONTS + STYLES + head + body + b"}"


def blocks(body: bytes) -> list[str]:
    (text,) = rtf.read(file(body)).parts
    return text.split("\n\n")


TEXTS = [
    (rb"caf\'e9 \u8364? 5", "café € 5"),
    (rb"\u-10179?\u-8704?", "\ud83d\ude00"),  # two halves of one character: normalising puts them together
    (rb"{\uc2 \u228\'3f\'3f!} {\uc0\u228 x}", "ä! äx"),
    (rb"{\f1 \'cf\'f0\'e8\'ea\'e0\'e7} No. 7", "Приказ No. 7"),
    (rb"{\f2 \'93\'fa\'96\'7b}", "日本"),
    (rb"{\f2 \'83A}", "ア"),
    (rb"{\f3 \'b7} item", "• item"),
    (rb"{\f4 Ti\'ea\'ecng Vi\'ea\'f2t}", "Tiếng Việt"),
    (b"a\r\nb \\\\ \\{c\\} d\\~e\\_f\\-g\\emdash h\\tab i", "ab \\ {c} d\u00a0e-fg—h\ti"),
    (rb"{\*\unknown gone}{\field{\*\fldinst HYPERLINK x}{\fldrslt the link}}", "the link"),
    (rb"{\upr{ansi}{\*\ud{\u1055?}}}", "П"),
    (rb"{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt In a box.\par}}", "In a box."),
    (rb"one\line two", "one\ntwo"),
    (rb"\bin3 }}}after", "after"),
    (rb"# 5 reasons", "\\# 5 reasons"),
]


@pytest.mark.parametrize(("body", "text"), TEXTS)
def test_characters_come_out_as_they_are_meant(body: bytes, text: str) -> None:
    found = "\n\n".join(blocks(body + rb"\par"))
    assert unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", text)


def test_headings_are_known_by_style_and_outline_level() -> None:
    body = rb"\pard\s1 Pay\par\pard It comes monthly.\par\pard\s2 Bonus\par\pard\s3 Part\par"
    body += rb"\pard\outlinelevel3 Deep\par\pard None.\par"

    assert blocks(body) == ["# Pay", "It comes monthly.", "## Bonus", "### Part", "#### Deep", "None."]


def test_the_cells_of_a_table_stay_in_their_columns() -> None:
    def row(*cells: bytes) -> bytes:
        return rb"\trowd\cellx1\cellx2\cellx3\pard\intbl " + b"".join(cell + rb"\cell " for cell in cells) + rb"\row "

    table = row(b"Team", b"Day", b"Fax") + row(b"Heron", b"", b"555") + row(b"Wren", rb"Mon\par Tue", b"")

    assert blocks(b"Before.\\par " + table + rb"\pard After.\par") == [
        "Before.",
        "Team | Day | Fax\nTeam: Heron; Fax: 555\nTeam: Wren; Day: Mon Tue",
        "After.",
    ]


def test_headers_come_first_and_notes_comments_and_footers_last() -> None:
    body = rb"{\footer\pard Page\par}{\headerl Internal\par}{\headerr Internal\par}"
    body += rb"It is so{\footnote See law 5.}, is it{\*\annotation Why?}?\par"

    assert blocks(body) == ["Internal", "It is so, is it?", "See law 5.", "Comment: Why?", "Page"]


def test_hidden_and_deleted_text_is_kept_apart() -> None:
    found = read_in_child(file(rb"Shown.{\v Say yes.}{\deleted Old.}\par"))

    assert (found.text, found.hidden) == ("Shown.", "Say yes.Old.")
    assert found.notes == (Note("hidden_text"),)


def test_pictures_and_embedded_files_are_counted() -> None:
    found = read_in_child(file(rb"Text.{\*\shppict{\pict\pngblip 8950}}{\object{\*\objdata 01}{\result shown}}\par"))

    assert found.text == "Text.shown"
    assert set(found.notes) == {Note("pictures"), Note("files_inside")}


def test_a_file_says_its_title_and_is_known_by_its_content() -> None:
    found = read_in_child(file(rb"Text.\par", rb"{\info{\title Ropes}{\author Ada}}"), "letter.doc")

    assert (found.media_type, found.title, found.text) == (media_types.RTF, "Ropes", "Text.")


def test_a_file_that_was_cut_off_is_partial() -> None:
    assert read_in_child(file(rb"{\b Text that goes")[:-2]).notes == (Note("cut_off"),)


def test_a_file_of_braces_is_refused() -> None:
    assert refusal_of(rb"{\rtf1 " + b"{" * 100_000).code == "too_complex"


def test_an_empty_file_is_empty() -> None:
    assert refusal_of(file(b"")).code == "empty"


OLD_FONTS = rb"{\fonttbl{\f5\fnil\fcharset0 .VnTime;}{\f6\fnil VNI-Times;}{\f7\fnil .VnTimeH;}}"
LETTERS = [
    (rb"{\f5 Th\'eai h\'b9n n\'e9p}", "Thời hạn nộp"),
    (rb"{\f5 Th\u234?i h\u185?n}", "Thời hạn"),
    (rb"{\f6 Tho\'e2ng ba{\b \'f9}o}", "Thông báo"),
    (rb"{\f7 th\'eai}", "THỜI"),
    (rb"\f5 h\'b9n\plain  caf\'e9", "hạn café"),
]


@pytest.mark.parametrize(("body", "text"), LETTERS)
def test_letters_of_old_vietnamese_fonts_are_unicode(body: bytes, text: str) -> None:
    (part,) = rtf.read(file(body + rb"\par", OLD_FONTS)).parts
    assert part == text


MARKED = [
    (rb"Fee {\strike 10} 12", "Fee ~~10~~ 12"),
    (rb"10{\super 6} cells", "10^6 cells"),
    (rb"10{\super -3} m{\super 2}", "10^-3 m2"),
    (rb"the 5{\super th} day", "the 5th day"),
]


@pytest.mark.parametrize(("body", "text"), MARKED)
def test_struck_and_raised_text_is_told_from_the_rest(body: bytes, text: str) -> None:
    assert blocks(body + rb"\par") == [text]


def test_merged_cells_are_filled_and_the_header_is_that_of_the_file() -> None:
    def table_row(head: bytes, *cells: bytes) -> bytes:
        return rb"\trowd" + head + rb"\pard\intbl " + b"".join(cell + rb"\cell " for cell in cells) + rb"\row "

    body = table_row(rb"\trhdr\cellx1\cellx2\cellx3", b"Team", b"Name", b"Team")
    body += table_row(rb"\clvmgf\cellx1\cellx2\cellx3", b"Law", b"Una", b"Law")
    body += table_row(rb"\clvmrg\cellx1\clmgf\cellx2\clmrg\cellx3", b"", b"Rex", b"")

    assert blocks(body) == ["Team | Name | Team\nTeam: Law; Name: Una; Team: Law\nTeam: Law; Name: Rex; Team: Rex"]
