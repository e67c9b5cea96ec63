"""Puts documents into the queue on Django's connection, so that a job is committed with its transaction.

In a web process procrastinate's `app` would do that, too, but in a worker it has another connection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min, Q
from django.db.models.functions import Now
from django.utils import timezone
from procrastinate import sql
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from documents.indexing.attempts import restart
from documents.models import Document
from ragsite.errors import DocumentNotFound

INDEXING_QUEUE = "indexing"  # one document after the other, minutes each
UPKEEP_QUEUE = "upkeep"  # short jobs; has its own workers, so that rescue doesn't wait for a large document
INDEX_TASK = "index_document"
PLACES_PER_SECOND = 100
BYTES_PER_PLACE = 6000  # 0.6 MB/s
LAST_PLACE = -2_000_000_000  # the column's range; the queue starts at 0 again when it was empty


def enqueue(document: Document) -> None:
    """Queue a job that indexes the document, unless one is waiting; it runs after the transaction commits.

    There is no `queueing_lock`: a running job that procrastinate wants to retry would collide with the waiting one,
    and stay `doing` for ever.
    """
    lock = lock_of(document)
    if ProcrastinateJob.objects.filter(lock=lock, status="todo").exists():
        return
    defer(
        INDEX_TASK,
        {"document_id": str(document.pk), "corpus_id": document.corpus_id, "tenant_id": document.tenant_id},
        queue=INDEXING_QUEUE,
        lock=lock,
        priority=_fair_priority(document.tenant_id, places_of(document.size_bytes)),
    )


def reindex_document(document: Document) -> Document:
    """Queue the document to be indexed again, and return it; its live version is searched until that is done.

    A running job is superseded. Raises DocumentNotFound when the document was deleted meanwhile.
    """
    with transaction.atomic():
        restarted = restart(document)
        if restarted is None:
            raise DocumentNotFound
        enqueue(restarted)
    return restarted


def defer(task_name: str, task_kwargs: dict[str, Any], *, queue: str, lock: str | None, priority: int = 0) -> None:
    """Add a job of any task to the queue, in the current transaction."""
    configure_task(name=task_name, job_manager=_manager(), queue=queue, lock=lock, priority=priority).defer(
        **task_kwargs
    )


def remove_job(job_id: int) -> None:
    """Delete a waiting job, or one whose worker is gone: should that worker wake up, it finds no job to finish."""
    _manager().connector.execute_query(sql.queries["finish_job"], job_id=job_id, status="failed", delete_job=True)


def repeat_job(job_id: int) -> None:
    """Queue a job again whose worker is gone; its attempts are counted."""
    _manager().retry_job_by_id(job_id, retry_at=timezone.now())


def retry_jobs(job_ids: Iterable[int], retry_at: datetime) -> None:
    """Queue running jobs of this worker again, from that time on; their attempts are counted."""
    with transaction.atomic():
        running = ProcrastinateJob.objects.filter(pk__in=list(job_ids), status="doing")
        for job_id in list(running.select_for_update().values_list("pk", flat=True)):
            _manager().retry_job_by_id(job_id, retry_at=retry_at)


def purge_jobs(older_than_hours: int) -> None:
    """Delete finished jobs, whatever their outcome."""
    _manager().connector.execute_query(
        sql.queries["delete_old_jobs"],
        nb_hours=older_than_hours,
        queue=None,
        statuses=["succeeded", "failed", "cancelled", "aborted"],
    )


def places_in_queue(document_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the place in the queue of each of these documents that waits; 1 is next."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {"task": INDEX_TASK, "locks": [f"document-{each}" for each in document_ids]})
        return {UUID(document_id): place for document_id, place in cursor.fetchall()}


_PLACES = """
SELECT document_id, place FROM (
    SELECT lock, args ->> 'document_id' AS document_id, row_number() OVER (ORDER BY priority DESC, id) AS place
    FROM procrastinate_jobs WHERE status = 'todo' AND task_name = %(task)s
) AS waiting
WHERE lock = ANY (%(locks)s::text[])
"""


def lock_of(document: Document) -> str:
    """Return the lock that keeps two workers from one document."""
    return f"document-{document.pk}"


def places_of(size_bytes: int) -> int:
    """Return how many places in the queue a file takes: one for each 10 ms that its indexing is expected to take."""
    return 1 + size_bytes // BYTES_PER_PLACE


def charge(tenant_id: int, places: int) -> None:
    """Move a tenant's waiting documents back by that many places: one of its files took longer than expected."""
    with connection.cursor() as cursor:
        cursor.execute(_CHARGE, {"task": INDEX_TASK, "tenant": tenant_id, "places": places, "last": LAST_PLACE})


_CHARGE = """
UPDATE procrastinate_jobs SET priority = greatest(priority::bigint - %(places)s, %(last)s)
WHERE status = 'todo' AND task_name = %(task)s AND args -> 'tenant_id' = to_jsonb(%(tenant)s::bigint)
"""


def _fair_priority(tenant_id: int, places: int) -> int:
    """Return a place in the queue behind the tenant's own waiting documents, but beside those of other tenants.

    Priorities are places: the next job of the queue has the highest. 1,000 documents of 10 places each take the places
    0 to -9,990; when 400 of them are done and another tenant gets its first document, that joins at -4,000, which is
    next. So each tenant gets an equal share of the workers' time, whatever the number and size of its files.
    """
    waiting = ProcrastinateJob.objects.filter(task_name=INDEX_TASK, status="todo").filter(
        Q(scheduled_at=None) | Q(scheduled_at__lte=Now())
    )
    found = waiting.aggregate(next=Max("priority"), own_last=Min("priority", filter=Q(args__tenant_id=tenant_id)))
    if found["own_last"] is not None:
        return max(LAST_PLACE, int(found["own_last"]) - places)
    return int(found["next"] or 0)


def _manager() -> JobManager:
    return JobManager(DjangoConnector())
