"""Reads the text layer of a PDF page by page, as a reader of the pages sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pypdfium2
import pypdfium2.raw as pdfium

from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.pdf.headings import HeadingRows, Title, find_headings, text_of
from documents.extraction.pdf.lines import Line
from documents.extraction.pdf.margins import PageRows, running_rows
from documents.extraction.pdf.pages import SCAN_CHARS_MAX, PdfPage, read_page
from documents.extraction.pdf.table_text import TableText
from documents.extraction.pdf.xfa import form_lines
from documents.text.extraction_notes import Note
from documents.text.headings import as_body, as_heading

PAGES_MAX = 20_000
_BAD_PAGES_MAX = 1000  # in a row: the file only claims to have so many
_OUTLINE_MAX = 20_000
_CATALOG = re.compile(rb"/Type\s*/Catalog\b")
_OBJECT = re.compile(rb"(\d{1,9}) 0 obj\b")
_NO_TITLE = re.compile(
    r"(?i)untitled.*|microsoft (?:word|powerpoint|excel) - .*|.*\.(?:docx?|pptx?|xlsx?|indd|dvi|tex|pdf|qxd)|\W*"
)


def read(data: bytes) -> Content:
    """Return the text of each page, columns one after the other, with headings, filled fields and comments.

    Left out and noted are running headers and footers (the first stays), pages that are pictures or damaged, and files
    within the file. Text that no reader of the pages can see is `hidden`. `unread_pages` are for text recognition.

    Raises Unreadable: password, scan (no text layer), no_letters (its fonts don't say what they show), broken,
    too_complex.
    """
    whole = _with_end(data)
    document = _open(whole)
    if document.get_formtype() != pdfium.FORMTYPE_NONE:
        document.init_forms()
    if len(document) > PAGES_MAX:
        raise Unreadable("too_complex")
    pages = list(_pages(document))
    if pages and document.get_formtype() == pdfium.FORMTYPE_XFA_FULL:
        pages[0].write(form_lines(document))
    _refuse_unreadable(pages)
    running = running_rows([PageRows(page.rows, page.height) for page in pages])
    kept = [
        [row for place, row in enumerate(page.rows) if place not in left_out]
        for page, left_out in zip(pages, running, strict=True)
    ]
    headings = find_headings(kept, list(_outline(document)))
    has_headings = any(headings)
    tables = TableText()
    return Content(
        [
            _text(rows, page.written, marked, tables, is_markdown=has_headings)
            for rows, page, marked in zip(kept, pages, headings, strict=True)
        ],
        has_pages=True,
        markdown=has_headings,
        title=_title(document),
        language=_language(document),
        notes=[
            *([Note("cut_off")] if len(whole) > len(data) else []),
            *_notes(document, pages, sum(map(len, running))),
        ],
        hidden="\n".join(text for page in pages for text in page.hidden),
        unread_pages=[number for number, page in enumerate(pages, 1) if page.is_picture or page.has_no_letters],
    )


def _open(data: bytes) -> pypdfium2.PdfDocument:
    """Return the document, if it opens without a password."""
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as failure:
        is_locked = failure.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise Unreadable("password" if is_locked else "broken") from None


def _with_end(data: bytes) -> bytes:
    """Return a file whose end is missing with one that names its catalog, so that the pages in it are found."""
    if b"trailer" in data[-2048:] or b"startxref" in data[-2048:] or not (found := _CATALOG.search(data)):
        return data
    objects = _OBJECT.findall(data, max(0, found.start() - 2000), found.start())
    return data + b"\ntrailer\n<< /Root %s 0 R >>\n%%%%EOF\n" % objects[-1] if objects else data


def _pages(document: pypdfium2.PdfDocument) -> Iterator[PdfPage]:
    """Yield the pages; one that is damaged is empty. Raises Unreadable: broken, if too many are in a row."""
    bad = 0
    for number in range(len(document)):
        try:
            yield read_page(document, number)
            bad = 0
        except pypdfium2.PdfiumError:
            bad += 1
            if bad > _BAD_PAGES_MAX:
                raise Unreadable("broken") from None
            yield PdfPage(is_damaged=True)


def _refuse_unreadable(pages: Sequence[PdfPage]) -> None:
    """Raise Unreadable if no page has text, with the reason that most likely mends it."""
    letters = sum(page.letters for page in pages)
    has_pictures = any(page.picture_share for page in pages)
    if any(page.letters and not page.is_picture for page in pages) and not (
        has_pictures and letters <= SCAN_CHARS_MAX  # a stamp, and nothing else in the whole file
    ):
        return
    if any(page.has_no_letters for page in pages):
        raise Unreadable("no_letters")
    if has_pictures:
        raise Unreadable("scan")
    if any(page.is_damaged for page in pages):
        raise Unreadable("broken")


def _text(
    rows: Sequence[list[Line]],
    written: Sequence[str],
    headings: Sequence[HeadingRows],
    tables: TableText,
    *,
    is_markdown: bool,
) -> str:
    """Return the text of a page."""
    tables.start_page()
    blocks: list[str] = []
    start = 0
    for heading in headings:
        blocks.append("\n".join(tables.lines(rows[start : heading.start])))
        tables.interrupt()
        blocks.append(as_heading(heading.level, " ".join(map(text_of, rows[heading.start : heading.end]))))
        start = heading.end
    blocks.append("\n".join(tables.lines(rows[start:])))
    if is_markdown:
        blocks[::2] = map(as_body, blocks[::2])
        written = [as_body(line) for line in written]
    return "\n\n".join(filter(None, [*blocks, "\n".join(written)]))


def _notes(document: pypdfium2.PdfDocument, pages: Sequence[PdfPage], running: int) -> Iterator[Note]:
    """Yield what is missing, and what was left out because it says nothing new."""
    for code, numbers in (
        ("picture_pages", [number for number, page in enumerate(pages, 1) if page.is_picture]),
        ("letterless_pages", [number for number, page in enumerate(pages, 1) if page.has_no_letters]),
        ("damaged_pages", [number for number, page in enumerate(pages, 1) if page.is_damaged]),
    ):
        if numbers:
            yield Note(code, len(numbers), pages=tuple(numbers))
    hidden = sum(len(page.hidden) for page in pages)
    for code, count in (
        ("files_inside", document.count_attachments() + sum(page.files for page in pages)),
        ("media", sum(page.media for page in pages)),
        ("repeated_lines", running),
        ("hidden_text", hidden),
    ):
        if count:
            yield Note(code, count)


def _outline(document: pypdfium2.PdfDocument) -> Iterator[Title]:
    """Yield the entries of the outline that point to a page."""
    for number, entry in enumerate(document.get_toc()):
        if number >= _OUTLINE_MAX:
            return
        target = entry.get_dest()
        page = target.get_index() if target else None
        if page is not None:
            yield Title(page, entry.level + 1, entry.get_title())


def _title(document: pypdfium2.PdfDocument) -> str | None:
    """Return the title, unless a program made it up from a file name."""
    title = document.get_metadata_value("Title").strip()
    return None if _NO_TITLE.fullmatch(title) else title


def _language(document: pypdfium2.PdfDocument) -> str | None:
    """Return the language that the document declares."""
    size = pdfium.FPDFCatalog_GetLanguage(document, None, 0)
    if size <= 2:
        return None
    buffer = bytearray(size)
    pdfium.FPDFCatalog_GetLanguage(document, (pdfium.FPDF_WCHAR * (size // 2)).from_buffer(buffer), size)
    return buffer.decode("utf-16-le", "ignore").rstrip("\x00").split("-")[0].lower() or None
