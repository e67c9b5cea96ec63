"""Runs of the indexer over a document: only the newest run may write.

A worker that was frozen, taken for dead and replaced may wake up. So every run takes the next number, and each of its
writes says `where attempt = mine`: a run that was overtaken changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from documents.models import Document
from documents.storage.deletion import forget_versions

CRASHES_MAX = 3  # runs that ended without a result; then the document is parked


class Superseded(Exception):
    """A newer run has this document, or it was deleted: this run has nothing left to do."""


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
    """Begin a run over each of these documents that waits to be indexed, and return them."""
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


@contextlib.contextmanager
def fenced(document: Document, **fields: Any) -> Iterator[None]:
    """Run a transaction that holds the document's row and sets its fields. Raises Superseded before anything else."""
    with transaction.atomic():
        if not document.of_this_run().update(**{"attempt": document.attempt, **fields}):
            raise Superseded
        yield


def lock_all(documents: Sequence[Document]) -> list[Document]:
    """Return the documents of which this run is the newest, their rows locked until the transaction ends."""
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
    """Give up this run; the version that is searched stays. Return False when this run was overtaken."""
    with transaction.atomic():
        failed = document.mark_failed(code, message)
        if failed:
            forget_versions(document, keep=[document.version])
    return failed


def count_crash(document: Document, code: str) -> bool:
    """Count a run that ended in an unexpected way; at the third one park the document, and return True."""
    with transaction.atomic():
        if not document.of_this_run().update(crashes=F("crashes") + 1):
            return False
        if document.of_this_run().filter(crashes__lt=CRASHES_MAX).exists():
            return False
        document.park(code)
        forget_versions(document, keep=[document.version])
    return True
