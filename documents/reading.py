"""What is shown of documents: lists of them, and the text that a quote stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models.functions import Length, Substr

from documents.access import Principal, choose_corpora, readable_corpora, readable_documents
from documents.borders import page_at
from documents.models import Document, DocumentText
from ragsite.errors import DocumentNotFound


@dataclass(frozen=True)
class Page:
    """A part of a list, and how long the whole list is."""

    count: int
    documents: Sequence[Document]


def find_documents(
    principal: Principal, *, limit: int, offset: int, corpus: str | None = None, status: str | None = None
) -> Page:
    """Return documents that the principal may read, newest first. Raises CorpusNotFound."""
    found = readable_documents(principal)
    if corpus is not None:
        found = found.filter(corpus__in=choose_corpora([corpus], readable_corpora(principal)))
    if status is not None:
        found = found.filter(status=status)
    rows = found.select_related("corpus__tenant").order_by("-created_at", "pk")[offset : offset + limit]
    return Page(found.count(), list(rows))


@dataclass(frozen=True)
class Window:
    """Characters `start` to before `end` of a document's text, as it is searched now."""

    text: str
    start: int
    end: int
    page: int | None  # of `start`
    title: str
    total_chars: int


def read_window(document: Document, *, start: int, end: int) -> Window:
    """Return a part of the text; shorter or empty where the text ends. Raises DocumentNotFound while there is none."""
    found = (
        DocumentText.objects.filter(document=document, version=document.version)
        .annotate(total=Length("text"), window=Substr("text", start + 1, end - start))
        .values_list("window", "total", "page_starts")
        .first()
    )
    if found is None:
        raise DocumentNotFound("This document has no text yet; ask again when its status is `ready`.")
    text, total, page_starts = found
    page = page_at(start, page_starts)
    start = min(start, total)
    return Window(text, start, start + len(text), page, str(document), total)
