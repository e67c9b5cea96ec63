"""PDF: the text layer, page by page."""

from __future__ import annotations

import re
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.pdf_text import page_text

PAGES_MAX = 20_000
_BAD_PAGES_MAX = 1000  # in a row: the file only claims to have so many
_SCAN_CHARS_MAX = 20  # of text on a scanned page: a stamp or a page number
_SCAN_AREA_SHARE = 0.5  # of a page that its picture covers
_IMAGE_DEPTH_MAX = 3  # pictures in forms in forms
_NO_TITLE = re.compile(
    r"(?i)untitled.*|microsoft (?:word|powerpoint|excel) - .*|.*\.(?:docx?|pptx?|xlsx?|indd|dvi|tex|pdf|qxd)|\W*"
)


def read(data: bytes) -> Content:
    """Return the text of each page; a damaged page is empty.

    Raises Unreadable: password, scan (no text layer), broken, too_complex.
    """
    document = _open(data)
    count = len(document)
    if count > PAGES_MAX:
        raise Unreadable("too_complex")
    pages: list[str] = []
    pictures: list[float] = []  # share of each page's area that pictures cover, where the page has little text
    bad = 0
    for number in range(count):
        try:
            text, share = _read_page(document, number)
            bad = 0
        except pypdfium2.PdfiumError:
            text, share, bad = "", 0.0, bad + 1
            if bad > _BAD_PAGES_MAX:
                raise Unreadable("broken") from None
        pages.append(text)
        pictures.append(share)
    if bad == count:
        raise Unreadable("broken")
    _refuse_scan(pages, pictures)
    return Content(pages, has_pages=True, title=_title(document), language=_language(document))


def _open(data: bytes) -> pypdfium2.PdfDocument:
    """Return the document, if it opens without a password."""
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as failure:
        is_locked = failure.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise Unreadable("password" if is_locked else "broken") from None


def _read_page(document: pypdfium2.PdfDocument, number: int) -> tuple[str, float]:
    """Return a page's text, and for a page with hardly any the share of it that pictures cover."""
    page = document[number]
    if document.get_formtype() != pdfium.FORMTYPE_NONE:  # what was filled in lies above the page, and is no part of it
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        page.close()
        page = document[number]
    try:
        text = page_text(page)
        share = _picture_share(page) if _length(text) <= _SCAN_CHARS_MAX else 0.0
        return text, share
    finally:
        page.close()


def _picture_share(page: Any) -> float:
    """Return how much of a page's area its largest picture covers: 0..1."""
    width, height = page.get_size()
    largest = 0.0
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_IMAGE_DEPTH_MAX):
        left, bottom, right, top = picture.get_bounds()
        largest = max(largest, (right - left) * (top - bottom))
    return min(1.0, largest / (width * height)) if width * height > 0 else 0.0


def _refuse_scan(pages: list[str], pictures: list[float]) -> None:
    """Raise Unreadable if the pages are pictures: of text that nobody has recognised yet."""
    lengths = [_length(page) for page in pages]
    if not any(pictures):
        return
    is_nearly_empty = sum(lengths) <= _SCAN_CHARS_MAX
    is_all_pictures = all(
        length <= _SCAN_CHARS_MAX and (share >= _SCAN_AREA_SHARE or not length)
        for length, share in zip(lengths, pictures, strict=True)
    )
    if is_nearly_empty or is_all_pictures:
        raise Unreadable("scan")


def _length(text: str) -> int:
    """Return the number of characters that are not blank."""
    return len("".join(text.split()))


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
