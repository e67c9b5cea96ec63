"""PDF files, written by hand."""

from __future__ import annotations

import pytest

from documents.extraction import media_types
from documents.extraction.failures import Unreadable
from documents.extraction.pdf import document as pdf_document
from documents.text.normalization import normalise_question, searchable
from tests.documents.extraction import making
from tests.documents.extraction.making import PICTURE, line
from tests.documents.extraction.reading import read_here, read_in_child, refusal_of


def test_each_page_starts_where_its_text_does() -> None:
    read = read_in_child(making.pdf([line("First page."), line("Second page."), line("Third.")]))

    assert read.text == "First page.\n\nSecond page.\n\nThird."
    assert [read.text[start:][:5] for start in read.page_starts] == ["First", "Secon", "Third"]
    assert (read.media_type, read.title, read.language, read.markdown) == (
        media_types.PDF,
        "Rules of the house",
        "de",
        False,
    )


def test_a_damaged_page_does_not_lose_the_others() -> None:
    read = read_here(making.pdf([line("One."), line("lost"), line("Three.")], broken=[1]))

    assert read.text == "One.\n\nThree."
    assert read.page_starts == (0, 6, 6)


def test_a_file_whose_pages_are_all_damaged_is_broken() -> None:
    with pytest.raises(Unreadable, match="broken"):
        read_here(making.pdf([line("lost")], broken=[0]))


@pytest.mark.parametrize(
    "pages",
    [
        [PICTURE, PICTURE],  # nothing but pictures
        [PICTURE + line("12")],  # ... and a page number
        [PICTURE + line("Page 1 of 3, scanned"), PICTURE + line("Page 2 of 3, scanned"), PICTURE + line("Page 3 of 3")],
        [PICTURE, b""],  # an empty back side
    ],
)
def test_a_scan_is_refused_with_the_advice_to_run_ocr(pages: list[bytes]) -> None:
    refused = refusal_of(making.pdf(pages))

    assert refused.code == "no_text"
    assert "OCR" in refused.message


def test_a_page_with_a_picture_and_text_is_read() -> None:
    assert read_here(making.pdf([PICTURE + line("A caption long enough to be text")])).text.startswith("A caption")


def test_a_short_page_with_a_small_picture_among_others_is_read() -> None:
    small = b"q 50 0 0 50 0 0 cm /Im Do Q "
    pages = [small + line(f"Chapter {number}") for number in range(4)]

    assert read_here(making.pdf(pages)).text.startswith("Chapter 0")


def test_a_ligature_stays_as_it_is_printed() -> None:
    assert (
        read_here(making.pdf_with_glyphs({"A": "fi", "B": "ffl"}, line("not Ane, file, baBe"))).text
        == "not ﬁne, file, baﬄe"
    )


def test_a_glyph_that_means_a_control_character_is_a_blank() -> None:
    assert read_here(making.pdf_with_glyphs({"A": "\x01"}, line("oneAtwo"))).text == "one two"


def test_the_blanks_glyph_of_a_font_without_a_character_map_stays_as_it_is_and_is_searched_as_a_blank() -> None:
    text = read_here(making.pdf_with_glyphs({"A": "\x03"}, line("oneAtwo"))).text

    assert text == "one\x03two"
    assert searchable(text) == normalise_question(text) == "one two"


# Hebrew letters by their place in the alphabet of this font; a page draws them from left to right.
HEBREW = dict(zip("ABCDE", "שלוםת", strict=True))
RIGHT_TO_LEFT = [
    (line("DCBA"), "שלום"),
    (line("DCBA EC"), "ות שלום"),
    (line("Peace DCBA"), "Peace שלום"),
    (line("Peace is DCBA"), "Peace is שלום"),  # mostly Latin
    (line("Peace is DCBA here too"), "Peace is שלום here too"),
    # "word", the Latin word with the blank behind it, "word": the blank belongs behind the Latin word.
    (
        b"BT /F 12 Tf 1 0 0 1 143.2 700 Tm (BA) Tj ET BT /F 12 Tf 1 0 0 1 100 700 Tm (Latin ) Tj ET "
        b"BT /F 12 Tf 1 0 0 1 71.2 700 Tm (DCBA) Tj ET",
        "של" + "Latin " + "שלום",
    ),
]


@pytest.mark.parametrize(("content", "text"), RIGHT_TO_LEFT)
def test_hebrew_is_read_from_right_to_left(content: bytes, text: str) -> None:
    assert read_here(making.pdf_with_glyphs(HEBREW, content)).text == text


def test_a_glyph_that_means_a_whole_word_is_not_turned_around() -> None:
    assert read_here(making.pdf_with_glyphs({"A": "حَبيبي"}, line("A"))).text == "حَبيبي"


def test_what_was_filled_into_a_form_is_text() -> None:
    assert read_here(making.form("Ada Lovelace")).text == "Name: Ada Lovelace"


def test_blank_pages_are_an_empty_document() -> None:
    assert refusal_of(making.pdf([b"", b""])).code == "empty"


def test_junk_before_the_header_and_a_damaged_table_of_contents_are_forgiven() -> None:
    data = making.pdf([line("Still here.")])

    assert read_here(b"\r\njunk of a mail gateway\r\n" + data).text == "Still here."
    assert read_here(data.replace(b"startxref\n", b"startxref\n9")).text == "Still here."


def test_a_word_hyphenated_at_the_end_of_a_line_keeps_its_hyphen() -> None:
    text = read_here(making.pdf([line("It was danger-", 700) + line("ous to lean out.", 686)])).text

    assert text == "It was danger-\nous to lean out."


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Annual report", "Annual report"),
        ("Microsoft Word - draft.doc", None),
        ("untitled", None),
        ("a.indd", None),
        ("-", None),
    ],
)
def test_a_title_that_a_program_made_up_is_none(title: str, kept: str | None) -> None:
    data = making.pdf([line("x")]).replace(b"Rules of the house", title.encode())

    assert pdf_document.read(data).title == kept
