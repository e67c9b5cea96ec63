"""Defines the background task that warms the caches of a corpus."""

from __future__ import annotations

from django.db import transaction
from procrastinate import App
from procrastinate.contrib.django import app as configured_app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.job_context import JobContext

from documents.indexing.queue import INDEXING_QUEUE, defer
from documents.models import Corpus
from querying.warming import warm

app: App = configured_app
WARM_TASK = "warm_cache"
LAST_PRIORITY = -1_000_000  # after all documents: each one changes the cache keys of its corpus
TOP, DAYS = 50, 7.0


@app.task(name=WARM_TASK, queue=INDEXING_QUEUE, pass_context=True)
def warm_cache(context: JobContext, *, corpus_id: int) -> None:
    """Answer the most frequent questions of a corpus again."""
    corpus = Corpus.objects.filter(pk=corpus_id).first()
    if corpus is not None:
        warm(corpus, top=TOP, days=DAYS, keep_going=lambda: not context.should_abort())


def queue_warming(corpus: Corpus) -> bool:
    """Queue the warming of a corpus; return False if it is queued or running already."""
    lock = f"warm-{corpus.pk}"
    with transaction.atomic():
        if ProcrastinateJob.objects.filter(lock=lock, status__in=["todo", "doing"]).exists():
            return False
        defer(WARM_TASK, {"corpus_id": corpus.pk}, queue=INDEXING_QUEUE, lock=lock, priority=LAST_PRIORITY)
    return True
