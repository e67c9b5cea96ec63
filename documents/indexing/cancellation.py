"""Cancels the indexing of a document: its job leaves the queue, and a running job writes nothing more."""

from __future__ import annotations

from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from documents.indexing.queue import lock_of, remove_job
from documents.models import Document
from documents.storage.deletion import forget_versions

CANCELLED = "cancelled"
_SENTENCE = "Its indexing was cancelled. Try again to have it indexed after all."


def cancel_indexing(document: Document) -> bool:
    """Cancel the indexing of a document and return whether it was waiting or running; its live version stays.

    A worker that is indexing it notices with its next write, at the latest after one batch of chunks.
    """
    with transaction.atomic():
        locked = (
            Document.objects.select_for_update()
            .filter(pk=document.pk, deleted_at=None, status=Document.Status.PROCESSING)
            .first()
        )
        if locked is None:
            return False
        locked.status = Document.Status.FAILED
        locked.attempt += 1
        locked.error_code, locked.error_detail = CANCELLED, _SENTENCE
        locked.save(update_fields=["status", "attempt", "error_code", "error_detail"])
        forget_versions(locked, keep=[locked.version])
        waiting = ProcrastinateJob.objects.filter(lock=lock_of(locked), status="todo")
        for job_id in waiting.values_list("pk", flat=True):
            remove_job(job_id)
    return True
