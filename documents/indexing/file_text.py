"""Extracts the text of a stored file, and recognises (OCR) its pages that are pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from django.conf import settings

from documents.extraction import Extracted, ExtractionFailed, extract
from documents.extraction.content import Content, assemble
from documents.extraction.ocr import engines, picture_types
from documents.extraction.ocr.recognised_page import PageText
from documents.extraction.ocr.recognising import Page, recognise_pages
from documents.indexing.attempts import Interrupted, fenced
from documents.models import Document
from documents.storage.file_store import path_of
from documents.text.extraction_notes import Note, merged
from documents.text.headings import as_body

PDF = "application/pdf"
_HEAD_BYTES = 1024
_KINDS = {
    b"\x89PNG\r\n": picture_types.PNG,
    b"\xff\xd8\xff": picture_types.JPEG,
    b"II*\x00": picture_types.TIFF,
    b"MM\x00*": picture_types.TIFF,
}
_WITHOUT_TEXT = {"scan", "no_letters", "picture"}  # reasons of a failed extraction after which OCR is tried
_UNREAD = {"picture_pages", "letterless_pages"}  # notes with pages for which OCR is tried


def text_of(
    document: Document, *, keep_going: Callable[[], bool] = lambda: True, shows_progress: bool = True
) -> Extracted:
    """Return the text of a document's file, with that of scanned pages and pictures where OCR is installed.

    With `shows_progress`, the number of recognised pages is stored with the document meanwhile; without, the database
    is not used. Raises ExtractionFailed, Interrupted when `keep_going` says so, and Superseded.
    """
    path = path_of(document.file_key)
    language = document.corpus.language
    engine = engines.choose(settings.OCR_ENGINE, language)
    try:
        extracted = extract(path, name=document.source or document.title)
        numbers = sorted({page for note in extracted.notes if note.code in _UNREAD for page in note.pages})
        if engine is None or not numbers or extracted.media_type != PDF:
            return extracted
    except ExtractionFailed as failure:
        if engine is None or failure.reason not in _WITHOUT_TEXT or kind_of(path) is None:
            raise
        extracted, numbers = None, None

    def go_on(done: int, total: int) -> None:
        if shows_progress:
            with fenced(document, ocr_pages_done=done, ocr_pages_total=min(total, settings.OCR_PAGES_MAX)):
                pass
        if not keep_going():
            raise Interrupted

    media_type = kind_of(path) or PDF
    pages: list[Page] = []
    for page in recognise_pages(path, media_type, language, numbers, engine=engine, go_on=go_on):
        pages.append(page)
        if len(pages) >= settings.OCR_PAGES_MAX or _is_hopeless(pages):
            break
    return _with_pages(extracted, pages, numbers) if extracted and numbers else _of_pages(pages, media_type)


def kind_of(path: Path) -> str | None:
    """Return the media type of a file that OCR can read, by its first bytes; None: OCR can't read it."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if b"%PDF-" in head:
        return PDF
    return next((kind for start, kind in _KINDS.items() if head.startswith(start)), None)


def _is_hopeless(pages: list[Page]) -> bool:
    """Return whether OCR of the other pages is pointless, because it doesn't support the language."""
    return len(pages) == 1 and pages[0].reason == "ocr_language"


def _with_pages(extracted: Extracted, pages: list[Page], numbers: list[int]) -> Extracted:
    """Return the extracted text with the recognised pages in their places."""
    found = {page.number: page.found for page in pages if page.found is not None and page.found.text.strip()}
    if not found:
        return extracted
    bounds = [*extracted.page_starts, len(extracted.text)]
    parts = [extracted.text[start:end] for start, end in pairwise(bounds)]
    for number, page in found.items():
        parts[number - 1] = as_body(page.text) if extracted.markdown else page.text
    content = Content(parts, has_pages=True, markdown=extracted.markdown)
    assembled = assemble(content, max_chars=settings.EXTRACTION_MAX_CHARS)
    left = [_without(note, found) if note.code in _UNREAD else note for note in extracted.notes]
    notes = merged([note for note in [*left, *_notes(found)] if note.count])
    return replace(extracted, text=assembled.text, page_starts=assembled.page_starts, notes=notes)


def _of_pages(pages: list[Page], media_type: str) -> Extracted:
    """Return the text of a file that has only pictures. Raises ExtractionFailed when no text was recognised."""
    found = {page.number: page.found for page in pages if page.found is not None and page.found.text.strip()}
    if not found:
        reasons = [page.reason for page in pages if page.reason]
        raise ExtractionFailed.because("ocr_language" if "ocr_language" in reasons else "ocr_empty")
    of = max(page.of for page in pages)
    parts = [found[number].text if number in found else "" for number in range(1, of + 1)]
    assembled = assemble(Content(parts, has_pages=True), max_chars=settings.EXTRACTION_MAX_CHARS)
    unread = tuple(number for number in range(1, of + 1) if number not in {page.number for page in pages if page.found})
    notes = [*_notes(found), *([Note("picture_pages", len(unread), unread)] if unread else [])]
    return Extracted(assembled.text, assembled.page_starts, media_type, None, None, False, merged(notes))


def _without(note: Note, found: Mapping[int, PageText]) -> Note:
    pages = tuple(page for page in note.pages if page not in found)
    return Note(note.code, note.count - (len(note.pages) - len(pages)), pages)


def _notes(found: Mapping[int, PageText]) -> list[Note]:
    sure = tuple(number for number, page in sorted(found.items()) if page.is_sure)
    unsure = tuple(number for number, page in sorted(found.items()) if not page.is_sure)
    return [
        Note(code, len(pages), pages) for code, pages in (("recognised_pages", sure), ("unsure_pages", unsure)) if pages
    ]
