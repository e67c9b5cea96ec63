"""Defines the jobs of the workers: indexing documents, building vector indexes, rescuing jobs, and upkeep."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from procrastinate import App, BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app as configured_app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job

from documents.access.login_limits import forget_old_attempts
from documents.indexing.attempts import Interrupted
from documents.indexing.batch_pipeline import index_with_companions
from documents.indexing.companion_jobs import Companions, give_back_what_was_left
from documents.indexing.queue import (
    INDEX_TASK,
    INDEXING_QUEUE,
    PLACES_PER_SECOND,
    UPKEEP_QUEUE,
    charge,
    defer,
    places_of,
    purge_jobs,
    reindex_document,
)
from documents.indexing.stalled_jobs import requeue_lost_documents, rescue_stalled_jobs
from documents.keywords.vocabulary import learn_corpus
from documents.models import Corpus, Document, EmbeddingSpace
from documents.reindexing.closeness import CHUNKS_MIN, closeness_of, is_due, keep_closeness
from documents.storage.file_store import sweep_orphans
from documents.vectors.spaces import ensure_index, has_index, sweep_indexes
from ragsite.config.disk_space import require_room_in_database
from ragsite.web.rate_windows import forget_ended_windows

__all__ = ["index", "reindex_document"]

app: App = configured_app
BUILD_INDEX_TASK = "build_index"
HIGHEST_PRIORITY = 1_000_000
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 300.0
FINISHED_JOBS_HOURS = 7 * 24
LATE_INDEX_FACTOR = 5


class RetryForLong(BaseRetryStrategy):
    """Tries again after 5, 10, 20, ... seconds, at most 5 minutes, for as long as it takes.

    So a task raises only for what another try may solve: `index_document` marks a document as failed itself when its
    file is the reason.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """Return when to run again: at once after a shutdown, else after the next wait."""
        if isinstance(exception, JobAborted):
            return RetryDecision(retry_in={"seconds": 0})
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(job.attempts, 10))
        # Jitter: a hundred documents that lost their model together don't ask for it at the same moment.
        return RetryDecision(retry_in={"seconds": longest * random.uniform(0.5, 1.0)})  # noqa: S311


@app.task(name=INDEX_TASK, queue=INDEXING_QUEUE, pass_context=True, retry=RetryForLong())
def index(context: JobContext, *, document_id: str, corpus_id: int, tenant_id: int = 0) -> None:
    """Index a document, and if it is small, others of its corpus. Raises StorageFull, to be tried again later."""
    require_room_in_database()
    companions = Companions(context.job.id, corpus_id)
    started = time.monotonic()
    try:
        outcome = index_with_companions(UUID(document_id), companions, lambda: not context.should_abort())
    except Interrupted:
        raise JobAborted from None
    finally:
        _charge(tenant_id, UUID(document_id), companions, time.monotonic() - started)
    if outcome in {Document.Status.READY, Document.Status.FAILED}:
        defer_index_build(corpus_id)
        measure_closeness(corpus_id)


def _charge(tenant_id: int, document_id: UUID, companions: Companions, seconds: float) -> None:
    """Move a tenant's waiting documents back in the queue when these took a second longer than expected."""
    beyond = int(PLACES_PER_SECOND * seconds) - companions.places
    if beyond < PLACES_PER_SECOND:
        return
    with suppress(DatabaseError):  # must not hide the run's own error
        size_bytes = Document.objects.filter(pk=document_id).values_list("size_bytes", flat=True).first() or 0
        beyond -= places_of(size_bytes)
        if beyond >= PLACES_PER_SECOND:
            charge(tenant_id, beyond)


@app.task(name=BUILD_INDEX_TASK, queue=INDEXING_QUEUE, retry=RetryForLong())
def build_index(*, space_id: int) -> None:
    """Build the vector index of a space that is too large for exact scans. Raises StorageFull."""
    require_room_in_database()
    space = EmbeddingSpace.objects.filter(pk=space_id).first()
    if space is not None:
        ensure_index(space)


@app.periodic(cron="* * * * * */30")
@app.task(name="rescue", queue=UPKEEP_QUEUE, queueing_lock="rescue")
def rescue(timestamp: int) -> None:
    """Put the jobs of workers that died back into the queue."""
    give_back_what_was_left()
    rescue_stalled_jobs()


@app.periodic(cron="*/10 * * * *")
@app.task(name="upkeep", queue=UPKEEP_QUEUE, queueing_lock="upkeep")
def upkeep(timestamp: int) -> None:
    """Requeue documents that lost their job, delete what is no longer needed, and measure spaces that have grown.

    Deleted are files without a document, indexes without a space, old jobs, and the counts of ended rate windows.
    """
    requeue_lost_documents()
    for corpus_id in _large_corpora().values_list("pk", flat=True):
        defer_index_build(corpus_id)
    for corpus_id in Corpus.objects.filter(chunk_count__gte=CHUNKS_MIN).values_list("pk", flat=True):
        measure_closeness(corpus_id)
    sweep_orphans()
    sweep_indexes()
    forget_old_attempts()
    purge_jobs(FINISHED_JOBS_HOURS)
    forget_ended_windows()
    for corpus in Corpus.objects.filter(has_vocabulary=False):
        learn_corpus(corpus)


def _large_corpora() -> QuerySet[Corpus]:
    return Corpus.objects.filter(chunk_count__gt=settings.EXACT_SCAN_MAX_CHUNKS)


def measure_closeness(corpus_id: int) -> None:
    """Measure what the live space's cosines mean, if its corpus has changed much since the last measurement.

    For a growing corpus: once at its beginning, and once when no more documents are being indexed.
    """
    corpus = Corpus.objects.filter(pk=corpus_id).first()
    space = corpus.live_space if corpus else None
    if corpus is None or space is None or not is_due(space, corpus.chunk_count):
        return
    processing = corpus.documents.filter(status=Document.Status.PROCESSING, deleted_at=None)
    if closeness_of(space) is None or not processing.exists():
        keep_closeness(space, corpus.chunk_count)


def defer_index_build(corpus_id: int) -> None:
    """Queue a job that builds the live space's index, when it needs one and there is no such job.

    While documents are being indexed the job waits, up to LATE_INDEX_FACTOR times the size that needs an index: adding
    a vector to an existing index takes five times as long as building it of all vectors. Until then searches scan.
    """
    corpus = _large_corpora().filter(pk=corpus_id).first()
    space = corpus.live_space if corpus else None
    if corpus is None or space is None or has_index(space):
        return
    is_early = corpus.chunk_count <= LATE_INDEX_FACTOR * max(1, int(settings.EXACT_SCAN_MAX_CHUNKS))
    if is_early and corpus.documents.filter(status=Document.Status.PROCESSING, deleted_at=None).exists():
        return
    lock = f"space-{space.pk}"
    with transaction.atomic():
        if not ProcrastinateJob.objects.filter(lock=lock, status__in=["todo", "doing"]).exists():
            defer(BUILD_INDEX_TASK, {"space_id": space.pk}, queue=INDEXING_QUEUE, lock=lock, priority=HIGHEST_PRIORITY)
