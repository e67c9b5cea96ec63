"""Small pieces of pages: a state as a badge, progress as a bar. No styles in the page: its policy forbids them."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from documents.models import Document

GOOD, BUSY, BAD, PLAIN = "good", "busy", "bad", "plain"
_KIND_OF_STATUS = {Document.Status.READY: GOOD, Document.Status.PROCESSING: BUSY, Document.Status.FAILED: BAD}


def badge(text: str, kind: str = PLAIN) -> SafeString:
    """Return a coloured label; `kind` is one of the four above."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def bar(done: int, total: int, label: str) -> SafeString:
    """Return a progress bar with its figures beside it; `total` 0: there is no saying yet."""
    if not total:
        return format_html('<span class="bar">{}</span>', label)
    return format_html(
        '<span class="bar"><progress max="{}" value="{}">{}</progress> {}</span>', total, done, label, label
    )


def status_in_words(document: Document) -> str:
    """Return ready, failed, waiting, or what is done with it right now."""
    if document.status != Document.Status.PROCESSING:
        return str(document.get_status_display()).lower()
    if document.error_code:
        return "held up"
    return "waiting" if document.started_at is None else "working"


def status_badge(document: Document) -> SafeString:
    """Return the state of a document as a badge; partial ones say so."""
    words = status_in_words(document)
    if document.status == Document.Status.READY and document.is_partial:
        words += ", partial"
    return badge(words, _KIND_OF_STATUS[Document.Status(document.status)])


def progress_of(document: Document) -> tuple[int, int, str]:
    """Return done, total and both in words: scanned pages at first, then passages."""
    if document.ocr_pages_total and not document.chunks_total:
        done, total = document.ocr_pages_done, document.ocr_pages_total
        return done, total, f"{done} of {total} scanned pages read"
    if document.status == Document.Status.READY:
        return (
            document.chunks_total,
            document.chunks_total,
            f"{document.chunks_total:,} passage{'' if document.chunks_total == 1 else 's'}",
        )
    if not document.chunks_total:
        return 0, 0, "-"
    return (
        document.chunks_done,
        document.chunks_total,
        f"{document.chunks_done:,} of {document.chunks_total:,} passages",
    )
