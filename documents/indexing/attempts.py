"""Runs of the indexer over a document, of which only the newest may write.

A worker that was frozen, taken for dead and replaced may wake up. So every run takes the next number, and each of its
writes says `where attempt = mine`: a run that was overtaken changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from documents.models import Document
from documents.storage.deletion import forget_versions

CRASHES_MAX = 3  # runs that ended without a word; then the document is parked
WAITING_FOR_MODEL = "waiting_for_model"
CRASHED_WORKER = "crashed_worker"
INTERNAL_ERROR = "internal_error"
_SENTENCES = {
    CRASHED_WORKER: "This file stopped the indexer three times and was set aside. Save it anew in its program, or "
    "convert it (to PDF, for example), and upload that.",
    INTERNAL_ERROR: "Something went wrong on our side, three times. Tell the operator; `reindex` tries again.",
}
DETAIL_MAX_CHARS = 1000


class Superseded(Exception):
    """A newer run has this document, or it was deleted: this one has nothing left to do."""


class Interrupted(Exception):
    """The process is to stop; what is done is stored, and the next run goes on from there."""


def claim(document_id: UUID) -> Document | None:
    """Begin a run and return the document with its number in `attempt`; None when nothing waits to be indexed."""
    with transaction.atomic():
        document = (
            Document.objects.select_for_update(of=("self",))
            .filter(pk=document_id, deleted_at=None, status=Document.Status.PROCESSING)
            .select_related("corpus")
            .first()
        )
        if document is None:
            return None
        document.attempt += 1
        document.started_at = timezone.now()
        document.save(update_fields=["attempt", "started_at"])
    return document


def claim_all(document_ids: Sequence[UUID]) -> list[Document]:
    """Begin a run over each of these that waits to be indexed, and return them."""
    with transaction.atomic():
        documents = list(
            Document.objects.select_for_update(of=("self",))
            .filter(pk__in=document_ids, deleted_at=None, status=Document.Status.PROCESSING)
            .select_related("corpus")
            .order_by("pk")
        )
        now = timezone.now()
        Document.objects.filter(pk__in=[each.pk for each in documents]).update(attempt=F("attempt") + 1, started_at=now)
    for document in documents:
        document.attempt += 1
        document.started_at = now
    return documents


def mine(document: Document) -> QuerySet[Document]:
    """Return the document's row while this run is the newest; no row after that."""
    return Document.objects.filter(pk=document.pk, attempt=document.attempt, deleted_at=None)


@contextlib.contextmanager
def fenced(document: Document, **fields: Any) -> Iterator[None]:
    """Run a transaction that holds the document's row and sets its fields. Raises Superseded before anything else."""
    with transaction.atomic():
        if not mine(document).update(**{"attempt": document.attempt, **fields}):
            raise Superseded
        yield


def lock_all(documents: Sequence[Document]) -> list[Document]:
    """Return those of which this run is the newest, their rows locked until the transaction ends."""
    newest = dict(
        Document.objects.select_for_update()
        .filter(pk__in=[each.pk for each in documents], deleted_at=None)
        .order_by("pk")
        .values_list("pk", "attempt")
    )
    return [each for each in documents if newest.get(each.pk) == each.attempt]


def restart(document: Document, **fields: Any) -> Document | None:
    """Make a document wait for another run, overtaking one that is under way, and return it; None if deleted.

    `fields` are set too: those of a new file, for example.
    """
    with transaction.atomic():
        locked = Document.objects.select_for_update().filter(pk=document.pk, deleted_at=None).first()
        if locked is None:
            return None
        locked.status = Document.Status.PROCESSING
        locked.attempt += 1
        locked.crashes = locked.chunks_done = locked.chunks_total = 0
        locked.ocr_pages_done = locked.ocr_pages_total = 0
        locked.error_code = locked.error_detail = ""
        locked.started_at = None
        for name, value in fields.items():
            setattr(locked, name, value)
        locked.save()
    return locked


def fail(document: Document, code: str, message: str) -> bool:
    """Give the document up, its live version stays; return False when this run was overtaken."""
    with transaction.atomic():
        changed = mine(document).update(
            status=Document.Status.FAILED, error_code=code, error_detail=message[:DETAIL_MAX_CHARS]
        )
        if changed:
            forget_versions(document, keep=[document.version])
    return bool(changed)


def park(document: Document, code: str) -> bool:
    """Give the document up for a reason of ours; see `fail`."""
    return fail(document, code, _SENTENCES[code])


def wait_for_model(document: Document, message: str) -> None:
    """Say on the document what its indexing waits for."""
    detail = f"Indexing goes on by itself when the embedding model is back. {message}"
    mine(document).update(error_code=WAITING_FOR_MODEL, error_detail=detail[:DETAIL_MAX_CHARS])


def count_crash(document: Document, code: str) -> bool:
    """Count a run that ended in a way that nobody planned; at the third park the document, and return True."""
    with transaction.atomic():
        if not mine(document).update(crashes=F("crashes") + 1):
            return False
        if mine(document).filter(crashes__lt=CRASHES_MAX).exists():
            return False
        return park(document, code)
