"""How far documents are, as the pages of the admin ask for every two seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils import timezone

from documents.admin.showing import progress_of, status_in_words
from documents.indexing.queue import places_in_queue
from documents.models import Document

Status = Document.Status
KINDS = {Status.READY: "good", Status.PROCESSING: "busy", Status.FAILED: "bad"}


def progress_rows(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """Return a row per document, in the order given: its state in words, its bar, its place in the queue."""
    listed = list(documents)
    waiting = [each.pk for each in listed if each.status == Status.PROCESSING and each.started_at is None]
    places = places_in_queue(waiting) if waiting else {}
    return [_row(document, places) for document in listed]


def _row(document: Document, places: dict[UUID, int]) -> dict[str, Any]:
    done, total, label = progress_of(document)
    place = places.get(document.pk)
    if place is not None:
        label = "next in the queue" if place == 1 else f"{place:,} in the queue"
    left = _seconds_left(document)
    if left is not None:
        label += f", {_in_words(left)} left"
    return {
        "id": str(document.pk),
        "title": str(document),
        "status": document.status,
        "words": status_in_words(document),
        "kind": KINDS[Status(document.status)],
        "done": done,
        "total": total,
        "label": label,
        "place": place,
        "problem": document.error_detail,
    }


def _seconds_left(document: Document) -> float | None:
    if document.status != Status.PROCESSING or document.started_at is None or not document.chunks_done:
        return None
    per_passage = (timezone.now() - document.started_at).total_seconds() / document.chunks_done
    return per_passage * (document.chunks_total - document.chunks_done)


def _in_words(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
