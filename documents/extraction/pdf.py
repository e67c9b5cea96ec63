"""PDF: the text layer, page by page, as a reader of the pages sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.notes import Note
from documents.extraction.pdf_columns import in_reading_order
from documents.extraction.pdf_fields import count_annotations, find_written, not_shown
from documents.extraction.pdf_headings import Marked, Title, find_headings, text_of
from documents.extraction.pdf_lines import Line, read_lines, sheet_of
from documents.extraction.pdf_margins import PageRows, running_rows
from documents.extraction.pdf_tables import blocks_of
from documents.extraction.pdf_unmapped import guessed_text, has_no_letters
from documents.extraction.tables import describe_rows
from documents.headings import as_body, as_heading

PAGES_MAX = 20_000
_BAD_PAGES_MAX = 1000  # in a row: the file only claims to have so many
_SCAN_CHARS_MAX = 20  # of text on a scanned page: a stamp or a page number
_SCAN_AREA_SHARE = 0.5  # of a page that its pictures cover
_CURVES_MIN = 200  # on a page without text: letters that were turned into drawings
_DEPTH_MAX = 3  # pictures in forms in forms
_OUTLINE_MAX = 20_000
_NO_TITLE = re.compile(
    r"(?i)untitled.*|microsoft (?:word|powerpoint|excel) - .*|.*\.(?:docx?|pptx?|xlsx?|indd|dvi|tex|pdf|qxd)|\W*"
)
_MEDIA = (pdfium.FPDF_ANNOT_MOVIE, pdfium.FPDF_ANNOT_RICHMEDIA, pdfium.FPDF_ANNOT_SOUND, pdfium.FPDF_ANNOT_SCREEN)


@dataclass
class _Page:
    """What was found on a page. `picture_share`: of its area, asked only where there is little text."""

    rows: list[list[Line]] = field(default_factory=list)
    height: float = 0.0
    written: list[str] = field(default_factory=list)  # filled fields, notes and comments
    hidden: list[str] = field(default_factory=list)
    picture_share: float = 0.0
    files: int = 0
    media: int = 0
    is_damaged: bool = False
    has_no_letters: bool = False
    letters: int = 0  # characters of its text that are not blank

    @property
    def is_picture(self) -> bool:
        """Return whether it is a picture, of text that nobody has recognised yet."""
        return self.letters <= _SCAN_CHARS_MAX and self.picture_share >= _SCAN_AREA_SHARE


def read(data: bytes) -> Content:
    """Return the text of each page, columns one after the other, with headings, filled fields and comments.

    Left out and noted are running headers and footers (the first stays), pages that are pictures or damaged, and files
    within the file. Text that no reader of the pages can see is `hidden`. `unread_pages` are for text recognition.

    Raises Unreadable: password, scan (no text layer), no_letters (its fonts don't say what they show), broken,
    too_complex.
    """
    document = _open(data)
    if document.get_formtype() != pdfium.FORMTYPE_NONE:
        document.init_forms()
    if len(document) > PAGES_MAX:
        raise Unreadable("too_complex")
    pages = list(_pages(document))
    _refuse_unreadable(pages)
    running = running_rows([PageRows(page.rows, page.height) for page in pages])
    kept = [
        [row for place, row in enumerate(page.rows) if place not in left_out]
        for page, left_out in zip(pages, running, strict=True)
    ]
    headings = find_headings(kept, list(_outline(document)))
    has_headings = any(headings)
    return Content(
        [
            _text(rows, page.written, marked, is_markdown=has_headings)
            for rows, page, marked in zip(kept, pages, headings, strict=True)
        ],
        has_pages=True,
        markdown=has_headings,
        title=_title(document),
        language=_language(document),
        notes=list(_notes(document, pages, sum(map(len, running)))),
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


def _pages(document: pypdfium2.PdfDocument) -> Iterator[_Page]:
    """Yield the pages; one that is damaged is empty. Raises Unreadable: broken, if too many are in a row."""
    bad = 0
    for number in range(len(document)):
        try:
            yield _read_page(document, number)
            bad = 0
        except pypdfium2.PdfiumError:
            bad += 1
            if bad > _BAD_PAGES_MAX:
                raise Unreadable("broken") from None
            yield _Page(is_damaged=True)


def _read_page(document: pypdfium2.PdfDocument, number: int) -> _Page:
    """Return what a page shows."""
    page = document[number]
    written = find_written(page, document.formenv)
    files, media = count_annotations(page, (pdfium.FPDF_ANNOT_FILEATTACHMENT,)), count_annotations(page, _MEDIA)
    if document.formenv is not None:  # what was filled in lies above the page: so it is read where it stands
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        page.close()
        page = document[number]
    layer = None
    try:
        sheet = sheet_of(page)
        layer = page.get_textpage()
        found = _Page(height=sheet.height, files=files, media=media)
        lines, found.hidden = read_lines(page, layer, sheet)
        shown = "\n".join(line.text for line in lines)
        if has_no_letters(layer, shown):
            guessed = guessed_text(layer)
            lines = [Line(text, 0.0, 0.0, 0.0, 0.0, False) for text in (guessed or "").split("\n") if text.strip()]
            found.has_no_letters = guessed is None
            shown = guessed or ""
        found.rows = in_reading_order(lines)
        found.written = not_shown(written, shown)
        found.letters = sum(len("".join(text.split())) for text in [shown, *found.written])
        if found.letters <= _SCAN_CHARS_MAX and not found.has_no_letters:
            found.picture_share = _picture_share(page)
        return found
    finally:
        if layer is not None:
            layer.close()
        page.close()


def _picture_share(page: Any) -> float:
    """Return how much of a page's area pictures cover, or letters that were turned into curves: 0..1."""
    width, height = page.get_size()
    area = 0.0
    curves = 0
    for drawn in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH], max_depth=_DEPTH_MAX):
        if drawn.type == pdfium.FPDF_PAGEOBJ_PATH:
            curves += 1
            continue
        left, bottom, right, top = drawn.get_bounds()
        area += (right - left) * (top - bottom)
    if curves >= _CURVES_MIN:
        return 1.0
    return min(1.0, area / (width * height)) if width * height > 0 else 0.0


def _refuse_unreadable(pages: Sequence[_Page]) -> None:
    """Raise Unreadable if no page has text, with the reason that most likely mends it."""
    letters = sum(page.letters for page in pages)
    has_pictures = any(page.picture_share for page in pages)
    if any(page.letters and not page.is_picture for page in pages) and not (
        has_pictures and letters <= _SCAN_CHARS_MAX  # a stamp, and nothing else in the whole file
    ):
        return
    if any(page.has_no_letters for page in pages):
        raise Unreadable("no_letters")
    if has_pictures:
        raise Unreadable("scan")
    if any(page.is_damaged for page in pages):
        raise Unreadable("broken")


def _text(rows: Sequence[list[Line]], written: Sequence[str], headings: Sequence[Marked], *, is_markdown: bool) -> str:
    """Return the text of a page."""
    blocks: list[str] = []
    start = 0
    for heading in headings:
        blocks.append("\n".join(_lines(rows[start : heading.start])))
        blocks.append(as_heading(heading.level, " ".join(map(text_of, rows[heading.start : heading.end]))))
        start = heading.end
    blocks.append("\n".join(_lines(rows[start:])))
    if is_markdown:
        blocks[::2] = map(as_body, blocks[::2])
        written = [as_body(line) for line in written]
    return "\n\n".join(filter(None, [*blocks, "\n".join(written)]))


def _lines(rows: Sequence[list[Line]]) -> Iterator[str]:
    """Yield the lines of rows; those of a table say what their cells are."""
    for group, table in blocks_of(rows):
        yield from map(text_of, group) if table is None else describe_rows(table)


def _notes(document: pypdfium2.PdfDocument, pages: Sequence[_Page], running: int) -> Iterator[Note]:
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
