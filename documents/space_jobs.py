"""Runs the long work on embedding spaces (build, promote, roll back, drop, measure) as jobs of a worker."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import JobContext

from documents.indexing.attempts import Interrupted
from documents.indexing.queue import INDEXING_QUEUE, defer
from documents.jobs import HIGHEST_PRIORITY, RetryForLong, app
from documents.models import EmbeddingSpace
from documents.reindexing.backfill import SpaceGone
from documents.reindexing.pipeline import Plan, Watching, drop, measure_space, note, promote, roll_back
from ragsite.errors import RagError

logger = logging.getLogger(__name__)
SPACE_TASK = "space_work"
BUILD, PROMOTE, ROLL_BACK, DROP, MEASURE = "build", "promote", "roll_back", "drop", "measure"


class _Worker(Watching):
    def __init__(self, context: JobContext) -> None:
        self.context = context

    def keep_going(self) -> bool:
        return not self.context.should_abort()


def enqueue_space_work(space: EmbeddingSpace, action: str) -> bool:
    """Let a worker build, promote, roll back to, drop or measure a space; return False when such a job is queued."""
    lock = f"space-{space.pk}-{action}"
    with transaction.atomic():
        if ProcrastinateJob.objects.filter(lock=lock, status__in=["todo", "doing"]).exists():
            return False
        note(space, last=_entry(action, "waiting"))
        arguments = {"space_id": space.pk, "action": action}
        defer(SPACE_TASK, arguments, queue=INDEXING_QUEUE, lock=lock, priority=HIGHEST_PRIORITY)
    return True


@app.task(name=SPACE_TASK, queue=INDEXING_QUEUE, pass_context=True, retry=RetryForLong())
def space_work(context: JobContext, *, space_id: int, action: str) -> None:
    """Do the work, and store its result with the space. A RagError is such a result; other errors are retried."""
    space = EmbeddingSpace.objects.filter(pk=space_id).select_related("corpus").first()
    if space is None:
        return
    try:
        result = _act(space, action, _Worker(context))
    except Interrupted:
        raise JobAborted from None
    except SpaceGone:
        return
    except RagError as exc:
        result = f"failed: {exc.message}"
    logger.info("space %d: %s: %s", space_id, action, result.partition(":")[0])
    if EmbeddingSpace.objects.filter(pk=space_id).exists():
        note(space, last=_entry(action, result))


def _act(space: EmbeddingSpace, action: str, watching: Watching) -> str:
    if action in {BUILD, PROMOTE}:
        outcome = promote(space, Plan(promote=action == PROMOTE), watching)
        return f"{outcome.result}: {outcome.why}" if outcome.why else outcome.result
    if action == ROLL_BACK:
        return roll_back(space.corpus, watching, to=space).result
    if action == DROP:
        drop(space.corpus, [space], watching)
        return "dropped"
    measure_space(space, watching)
    return "measured"


def _entry(action: str, result: str) -> dict[str, Any]:
    return {"action": action, "result": result, "at": timezone.now().isoformat(timespec="seconds")}
