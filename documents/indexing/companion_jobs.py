"""Takes the jobs of other small files of a corpus, for a worker that runs one of them.

From then on they are this worker's jobs, as if the queue had given them to it: if the worker dies, they are rescued
like any other.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from documents.indexing.queue import INDEX_TASK, INDEXING_QUEUE, places_of, retry_jobs

SMALL_BYTES = 64_000  # a file up to this size is indexed together with others

_left: set[int] = set()  # jobs that could not be put back into the queue, because the database was away
_lock = threading.Lock()


@dataclass(frozen=True)
class Taken:
    """A job that a worker runs besides its own, and its document."""

    job_id: int
    document_id: UUID


class Companions:
    """Jobs of one corpus, for the worker that runs the job `beside`."""

    def __init__(self, beside: int | None, corpus_id: int) -> None:
        self._beside = beside
        self._corpus_id = corpus_id
        self._open: set[int] = set()
        self.places = 0  # in the queue, of all taken jobs: see queue.places_of

    def take(self, *, files_max: int, bytes_max: int) -> list[Taken]:
        """Take the jobs of the next small files that were never indexed and never crashed a worker, and return them.

        At most so many, and so many bytes; the first file may be larger.
        """
        give_back_what_was_left()
        chosen: list[int] = []
        places: dict[int, int] = {}
        left = bytes_max
        with connection.cursor() as cursor:
            cursor.execute(_WAITING, {**self._wanted, "most": files_max})
            for job_id, size_bytes in cursor.fetchall():
                left -= size_bytes
                if chosen and left < 0:
                    break
                chosen.append(job_id)
                places[job_id] = places_of(size_bytes)
        taken = self._take(chosen) if chosen else []
        self.places += sum(places[each.job_id] for each in taken)
        return taken

    def others_are_next(self) -> bool:
        """Return whether the queue's next job can't be taken: it is of another corpus, or of a larger file."""
        with connection.cursor() as cursor:
            cursor.execute(_OTHERS_ARE_NEXT, self._wanted)
            return bool(cursor.fetchone()[0])

    @property
    def _wanted(self) -> dict[str, Any]:
        return {"task": INDEX_TASK, "queue": INDEXING_QUEUE, "corpus": self._corpus_id, "small": SMALL_BYTES}

    def _take(self, job_ids: Sequence[int]) -> list[Taken]:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_TAKE, {"beside": self._beside, "jobs": list(job_ids)})
                taken = [Taken(job_id, document_id) for job_id, document_id in cursor.fetchall()]
        except IntegrityError:  # another worker has just started one of these documents
            return []
        self._open |= {each.job_id for each in taken}
        return taken

    def finish(self, job_ids: Collection[int]) -> None:
        """Delete finished jobs in the caller's transaction, but none that was rescued by another worker meanwhile."""
        if job_ids:
            with connection.cursor() as cursor:
                cursor.execute(_FINISH, {"beside": self._beside, "jobs": list(job_ids)})
            self._open -= set(job_ids)

    def retry(self, job_ids: Collection[int], *, wait_seconds: float) -> None:
        """Put jobs back into the queue, to be run by any worker after that time."""
        self._open -= set(job_ids)
        _give_back(job_ids, wait_seconds)

    def close(self) -> None:
        """Put jobs that are neither finished nor left for later back into the queue."""
        self.retry(list(self._open), wait_seconds=1.0)


def give_back_what_was_left() -> None:
    """Put jobs back into the queue that an earlier failure of the database left with this process."""
    with _lock:
        left = list(_left)
        _left.clear()
    _give_back(left, 0.0)


def _give_back(job_ids: Collection[int], wait_seconds: float) -> None:
    if not job_ids:
        return
    try:
        retry_jobs(job_ids, timezone.now() + timedelta(seconds=wait_seconds))
    except DatabaseError:
        with _lock:
            _left.update(job_ids)


_CAN_RUN = """
job.status = 'todo' AND job.queue_name = %(queue)s AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
AND NOT EXISTS (SELECT FROM procrastinate_jobs AS running WHERE running.lock = job.lock AND running.status = 'doing')
"""
_IS_WANTED = """
job.task_name = %(task)s
AND document.corpus_id = %(corpus)s AND document.status = 'processing' AND document.deleted_at IS NULL
AND document.size_bytes <= %(small)s AND document.version = 0 AND document.crashes = 0
"""
_WAITING = f"""
SELECT job.id, document.size_bytes
FROM procrastinate_jobs AS job
JOIN documents_document AS document ON document.id = (job.args ->> 'document_id')::uuid
WHERE {_CAN_RUN} AND {_IS_WANTED}
ORDER BY job.priority DESC, job.id
LIMIT %(most)s
"""  # noqa: S608 - of constants
_OTHERS_ARE_NEXT = f"""
SELECT NOT EXISTS (
    SELECT FROM (
        SELECT * FROM procrastinate_jobs AS job WHERE {_CAN_RUN} ORDER BY job.priority DESC, job.id LIMIT 1
    ) AS job
    JOIN documents_document AS document ON document.id = (job.args ->> 'document_id')::uuid
    WHERE {_IS_WANTED}
)
"""  # noqa: S608 - of constants
_TAKE = """
UPDATE procrastinate_jobs
SET status = 'doing', worker_id = (SELECT worker_id FROM procrastinate_jobs WHERE id = %(beside)s)
WHERE id = ANY (%(jobs)s) AND status = 'todo'
AND EXISTS (SELECT FROM procrastinate_jobs WHERE id = %(beside)s AND status = 'doing')
RETURNING id, (args ->> 'document_id')::uuid
"""
_FINISH = """
DELETE FROM procrastinate_jobs
WHERE id = ANY (%(jobs)s) AND status = 'doing'
AND worker_id IS NOT DISTINCT FROM (SELECT worker_id FROM procrastinate_jobs WHERE id = %(beside)s)
"""
