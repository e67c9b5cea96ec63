"""Requeues the jobs of dead workers, and parks documents that crash their workers.

Procrastinate detects dead workers only when asked, and would retry their jobs for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat, Now
from procrastinate.contrib.django.models import ProcrastinateJob

from documents.indexing.attempts import count_crash
from documents.indexing.queue import INDEX_TASK, enqueue, remove_job, repeat_job
from documents.models import Document
from documents.models.document import CRASHED_WORKER

logger = logging.getLogger(__name__)

LOST_AFTER = timedelta(hours=1)
OTHER_TASKS_TRIES_MAX = 3


def rescue_stalled_jobs() -> int:
    """Requeue the jobs of workers without a heartbeat for WORKER_STALLED_SECONDS; return how many there were.

    A document whose worker died for the third time is parked.
    """
    cutoff = Now() - timedelta(seconds=settings.WORKER_STALLED_SECONDS)
    stalled = _running().filter(Q(worker=None) | Q(worker__last_heartbeat__lt=cutoff))
    return _take_over(stalled, crashed=True)


def release_jobs(worker_ids: Sequence[int]) -> int:
    """Requeue the jobs of workers that lost the database, but did not crash; return how many."""
    return _take_over(_running().filter(worker__in=worker_ids), crashed=False)


def requeue_lost_documents() -> int:
    """Queue documents that have waited for an hour without a job; return how many.

    A stopped `ingest` leaves such documents, and so does an operator who empties the queue.
    """
    lock = Concat(Value("document-"), Cast(OuterRef("pk"), CharField()))
    jobs = ProcrastinateJob.objects.filter(lock=lock, status__in=["todo", "doing"])
    lost = (
        Document.objects.filter(status=Document.Status.PROCESSING, deleted_at=None)
        .alias(since=Coalesce("started_at", "created_at"))
        .filter(~Exists(jobs), since__lt=Now() - LOST_AFTER)
    )
    found = list(lost[:1000])
    for document in found:
        with transaction.atomic():
            enqueue(document)
    if found:
        logger.warning("%d documents had lost their job", len(found))
    return len(found)


def _running() -> QuerySet[ProcrastinateJob]:
    jobs: QuerySet[ProcrastinateJob] = ProcrastinateJob.objects.filter(status="doing")
    return jobs


def _take_over(stalled: QuerySet[ProcrastinateJob], *, crashed: bool) -> int:
    taken = 0
    for job_id in list(stalled.values_list("pk", flat=True)):
        with transaction.atomic():
            # Several workers may do this at the same time: one locks the row, and checks the condition again.
            job = stalled.select_for_update(of=("self",), skip_locked=True).filter(pk=job_id).first()
            if job is not None:
                _replace(job, crashed=crashed)
                taken += 1
    return taken


def _replace(job: ProcrastinateJob, *, crashed: bool) -> None:
    logger.warning("job %d (%s) lost its worker", job.pk, job.task_name)
    if job.task_name == INDEX_TASK:
        _replace_indexing(job, crashed=crashed)
    elif job.queueing_lock is None and job.attempts < OTHER_TASKS_TRIES_MAX:
        repeat_job(job.pk)
    else:
        remove_job(job.pk)  # a periodic job, which has a queueing lock, is queued again on schedule


def _replace_indexing(job: ProcrastinateJob, *, crashed: bool) -> None:
    """Replace a job whose worker is gone by a new one, or park its document.

    Not the same job, because procrastinate doesn't check which worker ends a job: one that was only frozen would end it
    while another worker runs it.
    """
    remove_job(job.pk)
    document = (
        Document.objects.select_for_update()
        .filter(pk=job.args["document_id"], status=Document.Status.PROCESSING, deleted_at=None)
        .first()
    )
    if document is None:
        return  # indexed or deleted already; only the job had not ended
    if crashed and count_crash(document, CRASHED_WORKER):
        logger.error("document %s was set aside: it ended three workers", document.pk)
        return
    enqueue(document)
