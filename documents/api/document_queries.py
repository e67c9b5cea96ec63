"""Queries what the API shows: lists of corpora and documents, and the text around a quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models.functions import Length, Substr

from documents.access.policy import Principal, choose_corpora, readable_corpora, readable_documents
from documents.corpora import with_counts
from documents.models import Corpus, Document, DocumentText
from documents.text.borders import page_at
from ragsite.errors import DocumentNotFound


def find_corpora(principal: Principal, *, limit: int, offset: int) -> tuple[int, Sequence[Corpus]]:
    """Return how many corpora the principal may ask, and a page of them, with their counts."""
    found = readable_corpora(principal)
    return found.count(), list(with_counts(found).order_by("tenant__slug", "slug")[offset : offset + limit])


def find_documents(
    principal: Principal, *, limit: int, offset: int, corpus: str | None = None, status: str | None = None
) -> tuple[int, Sequence[Document]]:
    """Return how many documents the principal may read, and a page of them, newest first. Raises CorpusNotFound."""
    found = readable_documents(principal)
    if corpus is not None:
        found = found.filter(corpus__in=choose_corpora([corpus], readable_corpora(principal)))
    if status is not None:
        found = found.filter(status=status)
    rows = found.select_related("corpus__tenant").order_by("-created_at", "pk")[offset : offset + limit]
    return found.count(), list(rows)


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
