"""Word, PowerPoint, Excel and EPUB."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from documents.extraction import epub, media_types
from documents.extraction.failures import Unreadable
from documents.extraction.office import docx
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_here, read_in_child, refusal_of

W = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'"


def word_text(body: str) -> str:
    return read_here(making.office({"word/document.xml": making.word_xml(body)})).text


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def test_word_keeps_the_order_of_headings_lists_and_tables() -> None:
    read = read_in_child(making.word_document())

    assert read.text == (
        "Internal\n\n# Holidays\n\nEverybody has thirty days.\n\n## Carry-over\n\n- Five days may be carried over.\n\n"
        "Grade | Days\nGrade: A1; Days: 31\n\nAfter the table.\n\nVersion 3"
    )
    assert (read.media_type, read.title, read.markdown, read.page_starts) == (
        media_types.DOCX,
        "Holiday rules",
        True,
        (),
    )


def test_word_text_in_content_controls_and_text_boxes_is_read_once() -> None:
    control = f"<w:sdt><w:sdtContent><w:p>{run('controlled')}</w:p></w:sdtContent></w:sdt>"
    inserted = f"<w:p><w:ins>{run('inserted ')}</w:ins>{run('text')}</w:p>"
    mc = "xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'"
    box = f"<w:txbxContent><w:p>{run('boxed')}</w:p></w:txbxContent>"
    drawn = (
        f"<w:p>{run('around')}<w:r><mc:AlternateContent {mc}><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )

    assert word_text(control + inserted + drawn) == "controlled\n\ninserted text\n\naround\n\nboxed"


def test_word_text_that_is_deleted_or_hidden_is_not_read() -> None:
    deleted = "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
    field = "<w:r><w:instrText>PAGEREF 1</w:instrText></w:r>"

    assert word_text(f"<w:p>{run('seen')}{deleted}{field}{run('hidden', '<w:vanish/>')}</w:p>") == "seen"


def test_a_word_paragraph_that_looks_like_a_heading_is_none() -> None:
    assert word_text(f"<w:p>{run('# 5 reasons')}</w:p>") == "\\# 5 reasons"


def test_word_headings_are_known_by_outline_level_too() -> None:
    assert word_text(f"<w:p><w:pPr><w:outlineLvl w:val='1'/></w:pPr>{run('Pay')}</w:p>") == "## Pay"


def test_slides_are_pages_with_titles_tables_and_notes() -> None:
    read = read_in_child(making.presentation())

    assert read.text == (
        "# Safety first\n\nWear a helmet\n\nExit | North\n\nNotes: Mention the drill\n\n# Slide 3\n\nQuestions?"
    )
    assert [read.text[start:][:9] for start in read.page_starts] == ["# Safety ", "# Slide 3", "# Slide 3"]
    assert read.media_type == media_types.PPTX


def test_a_sheet_has_a_line_per_row_with_the_names_of_its_columns() -> None:
    read = read_in_child(making.spreadsheet())

    assert read.text == (
        "# Staff\n\nRoom plan\nName | Room | Since\nName: Ada; Room: 12.5\nName: Grace; Room: 7; Since: 2021"
    )
    assert read.media_type == media_types.XLSX


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (0.1 + 0.2, "0.3"),
        (1e6, "1000000"),
        (7, "7"),
        ("=1+1", "=1+1"),  # no last value is known
    ],
)
def test_a_cell_is_written_as_a_person_would(value: Any, text: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["value", value])
    out = BytesIO()
    book.save(out)

    assert read_here(out.getvalue()).text == " | ".join(part for part in ("# Sheet\n\nvalue", text) if part)


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    read = read_in_child(
        making.book({"two": "<h1>Ending</h1><p>It ends.</p>", "one": "<h1>Beginning</h1><p>It begins.</p>"})
    )

    assert read.text == "# Ending\n\nIt ends.\n\n# Beginning\n\nIt begins."
    assert (read.media_type, read.title, read.language) == (media_types.EPUB, "The house", "en")


def test_a_missing_chapter_does_not_lose_the_others() -> None:
    data = making.book({"one": "<p>here</p>", "two": "<p>gone</p>"}).replace(b"OEBPS/two.xhtml", b"OEBPS/xxx.xhtml")

    assert epub.read(data).parts == ["here"]


def test_a_locked_book_is_encrypted() -> None:
    lock = (
        "<encryption xmlns='urn:x'><EncryptedData><CipherReference URI='OEBPS/one.xhtml'/></EncryptedData></encryption>"
    )
    data = making.archive({"META-INF/container.xml": "<x/>", "META-INF/encryption.xml": lock})

    assert refusal_of(data).code == "encrypted"


def test_an_office_file_with_a_password_is_encrypted() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)

    assert refusal_of(data, "plan.docx").code == "encrypted"


def test_a_file_that_was_cut_off_is_broken() -> None:
    assert refusal_of(making.word_document()[:5000], "plan.docx").code == "broken"
    assert refusal_of(making.spreadsheet()[:-300], "plan.xlsx").code == "broken"


def test_a_damaged_part_is_broken() -> None:
    with pytest.raises(Unreadable):
        docx.read(making.office({"word/document.xml": making.word_xml("<w:p/>")})[:-40])
    assert refusal_of(making.office({"word/document.xml": "<w:document"})).code == "broken"
