"""Indexes many small files together: calls to the model, and database statements, are filled across files.

A worker that runs the job of a small file also takes the jobs of other small files of that corpus, group by group, for
as long as they are next in the queue. `manage.py ingest` does the same with the files of a folder. While a group is
read, the calls for the previous group are running; its chunks are stored while the model works on its own texts. Each
group is published in one transaction, together with the end of its jobs. A crash loses two groups at most; their
documents are then indexed one by one, so that a file that crashes workers affects no other file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection

from documents.indexing.attempts import Interrupted, Superseded, claim, claim_all
from documents.indexing.batch_versions import publish_together, store_together
from documents.indexing.companion_jobs import SMALL_BYTES, Taken
from documents.indexing.crash_points import checkpoint
from documents.indexing.embedding_prefetch import calls_ahead
from documents.indexing.pipeline import (
    MODEL_IS_AWAY,
    ReadDocument,
    attempt,
    index_claimed,
    index_document,
    read_document,
    report,
    usable_space_of,
    write_document,
)
from documents.indexing.versions import EMBEDDED_CALLS_PER_BATCH, SpaceChanged, embed_patiently
from documents.models import Document, EmbeddingSpace
from ragsite.errors import RagError

GROUP_FILES = 64
GROUP_BYTES = 400_000
SLICE_SECONDS = 2.0  # then the run ends if another job is next in the queue
LONGEST_SECONDS = 20.0  # then the run ends in any case, so that its tenant is charged for the time it took
RETRY_SECONDS = 5.0
READ_AHEAD = 2  # one file is extracted in its process while another one is chunked here

_OF_ONE_ROW = (DataError, IntegrityError)  # database errors that a document's text can cause
Begin = Callable[[list[str]], "Future[np.ndarray]"]


class Companions(Protocol):
    """Other documents to be indexed beside one: those of a worker's queue, or the files of a folder."""

    def take(self, *, files_max: int, bytes_max: int) -> list[Taken]:
        """Return the next documents, at most so many and so many bytes; the first may be larger."""

    def others_are_next(self) -> bool:
        """Return whether the next document can't be indexed together with these."""

    def finish(self, job_ids: Collection[int]) -> None:
        """End finished jobs, in the transaction of the caller."""

    def retry(self, job_ids: Collection[int], *, wait_seconds: float) -> None:
        """Leave jobs to another run."""

    def close(self) -> None:
        """Put jobs that are neither finished nor left to another run back into the queue."""


def index_with_companions(
    document_id: UUID, companions: Companions, keep_going: Callable[[], bool]
) -> Document.Status | None:
    """Index a document, and if it is small, others that wait in its corpus; return how it ended for this one.

    Raises as `index_document` does, for this document; the others' jobs go back to the queue then.
    """
    document = claim(document_id)
    if document is None:
        return None
    if not may_be_together(document):
        return index_claimed(document, keep_going)
    run = _Run(document, companions, keep_going)
    try:
        return run.index()
    finally:
        companions.close()


def may_be_together(document: Document) -> bool:
    """Return whether a document is small, was never indexed, and never crashed a worker."""
    return document.size_bytes <= SMALL_BYTES and not document.version and not document.crashes


@dataclass
class _Group:
    """Extracted documents, the calls for their vectors, and the ids of their chunks."""

    reads: list[ReadDocument] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # for which no call has begun
    calls: list[Future[np.ndarray]] = field(default_factory=list)
    stored: dict[UUID, list[int]] = field(default_factory=dict)


class _Run:
    def __init__(self, first: Document, companions: Companions, keep_going: Callable[[], bool]) -> None:
        self._first = first
        self._companions = companions
        self._keep_going = keep_going
        self._jobs: dict[UUID, int] = {}  # of companions
        self._started = time.monotonic()
        self._error: Exception | None = None  # what the first document's own job is to fail with
        self._outcome: Document.Status | None = None  # of the first document

    def index(self) -> Document.Status | None:
        """See `index_with_companions`."""
        found: list[tuple[EmbeddingSpace, ReadDocument]] = []
        self._outcome = attempt(self._first, lambda: found.append(self._read_first()))
        if found:
            space, read = found[0]
            taken = self._take()
            if taken:
                self._index_together(space, read, taken)
                if self._error is not None:
                    raise self._error
                return self._outcome
            self._outcome = attempt(self._first, lambda: write_document(read, space, self._keep_going))
        report(self._first, self._outcome, time.monotonic() - self._started)
        return self._outcome

    def _read_first(self) -> tuple[EmbeddingSpace, ReadDocument]:
        checkpoint("claimed")
        return usable_space_of(self._first), read_document(self._first, keep_going=self._keep_going)

    def _is_over(self) -> bool:
        seconds = time.monotonic() - self._started
        if seconds > LONGEST_SECONDS or not self._keep_going():
            return True
        return seconds > SLICE_SECONDS and self._companions.others_are_next()

    def _take(self) -> list[Taken]:
        taken = self._companions.take(files_max=GROUP_FILES, bytes_max=GROUP_BYTES)
        self._jobs |= {each.document_id: each.job_id for each in taken}
        return taken

    def _index_together(self, space: EmbeddingSpace, first: ReadDocument, taken: list[Taken]) -> None:
        before: _Group | None = None
        with calls_ahead(partial(embed_patiently, space), self._keep_going) as begin:
            group = _Group()
            self._add(space, group, first, begin)
            while taken:
                self._read(space, group, taken, begin)
                if before is not None and not self._finish(space, before):
                    self._leave(group, None)
                    return
                if not self._store(space, group):
                    return
                before, group = group, _Group()
                taken = [] if self._is_over() else self._take()
            if before is not None:
                self._finish(space, before)

    def _read(self, space: EmbeddingSpace, group: _Group, taken: list[Taken], begin: Begin) -> None:
        """Extract the companions; those whose file can't be read are marked as failed, and their jobs end."""
        documents = claim_all([each.document_id for each in taken])
        self._end({each.document_id for each in taken} - {document.pk for document in documents})
        with ThreadPoolExecutor(READ_AHEAD, thread_name_prefix="read-ahead") as readers:
            # Without progress it doesn't use the database, so these threads open no connections.
            read_quietly = partial(read_document, shows_progress=False)
            for document, reading in [(each, readers.submit(read_quietly, each)) for each in documents]:
                read = self._result(document, reading)
                if read is not None:
                    self._add(space, group, read, begin)
        if group.texts:
            group.calls.append(begin(group.texts))
            group.texts = []

    def _result(self, document: Document, reading: Future[ReadDocument]) -> ReadDocument | None:
        """Return an extracted companion; None when it failed, which is stored with the document."""
        found: list[ReadDocument] = []
        try:
            outcome = attempt(document, lambda: found.append(reading.result()))
        except (DatabaseError, InterfaceError):
            raise
        except Exception:  # noqa: BLE001 - logged and counted there; the next run may do better
            self._retry([document.pk], RETRY_SECONDS)
            return None
        if found:
            return found[0]
        report(document, outcome, 0.0)
        self._end({document.pk})
        return None

    def _add(self, space: EmbeddingSpace, group: _Group, read: ReadDocument, begin: Begin) -> None:
        size = settings.OLLAMA_EMBED_BATCH_SIZE
        if space.provider == EmbeddingSpace.Provider.EMBEDDED:
            size *= EMBEDDED_CALLS_PER_BATCH
        group.reads.append(read)
        group.texts += read.texts
        while len(group.texts) >= size:
            group.calls.append(begin(group.texts[:size]))
            group.texts = group.texts[size:]

    def _store(self, space: EmbeddingSpace, group: _Group) -> bool:
        def store() -> None:
            group.stored = store_together(group.reads)
            checkpoint("stored_group")

        return self._together(space, group, store)

    def _finish(self, space: EmbeddingSpace, group: _Group) -> bool:
        def publish() -> None:
            if not connection.in_atomic_block:  # only a test has one open here
                connection.close()  # while the model works, it is in the pool
            vectors = np.concatenate([call.result() for call in group.calls])
            jobs = [self._jobs[read.document.pk] for read in group.reads if read.document.pk in self._jobs]
            published = publish_together(
                space, group.reads, group.stored, vectors, lambda: self._companions.finish(jobs)
            )
            checkpoint("published_group")
            seconds = (time.monotonic() - self._started) / len(group.reads)
            for read in group.reads:
                outcome = Document.Status.READY if read.document.pk in published else None
                report(read.document, outcome, seconds)
                if read.document.pk == self._first.pk:
                    self._outcome = outcome

        return self._together(space, group, publish)

    def _together(self, space: EmbeddingSpace, group: _Group, action: Callable[[], None]) -> bool:
        """Do a step for a group; return whether to go on. If one document fails, each is indexed by itself."""
        if not group.reads:
            return True
        try:
            action()
        except (*MODEL_IS_AWAY, Interrupted, SpaceChanged) as exc:
            self._leave(group, exc)
            return False
        except (DatabaseError, InterfaceError) as exc:
            if not isinstance(exc, _OF_ONE_ROW):
                raise
            self._one_by_one(group)
        except (Superseded, RagError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError):
            self._one_by_one(group)
        return True

    def _leave(self, group: _Group, exc: Exception | None) -> None:
        """Put the jobs of a group back into the queue, for later runs."""
        for read in group.reads:
            if isinstance(exc, MODEL_IS_AWAY):
                read.document.wait_for_model(exc.message)
            if read.document.pk == self._first.pk:
                self._error = exc or Interrupted()
        self._retry([read.document.pk for read in group.reads], 0.0 if isinstance(exc, Interrupted) else RETRY_SECONDS)
        group.reads.clear()

    def _one_by_one(self, group: _Group) -> None:
        """Index each by itself: then the error is stored with the document that causes it."""
        for read in group.reads:
            pk = read.document.pk
            try:
                outcome = index_document(pk, keep_going=self._keep_going)
            except (DatabaseError, InterfaceError):
                raise
            except Exception as exc:  # noqa: BLE001 - logged and counted there
                if pk == self._first.pk:
                    self._error = exc
                self._retry([pk], RETRY_SECONDS)
            else:
                if pk == self._first.pk:
                    self._outcome = outcome
                self._end({pk})
        group.reads.clear()

    def _end(self, document_ids: set[UUID]) -> None:
        self._companions.finish([self._jobs[pk] for pk in document_ids if pk in self._jobs])

    def _retry(self, document_ids: list[UUID], wait_seconds: float) -> None:
        self._companions.retry([self._jobs[pk] for pk in document_ids if pk in self._jobs], wait_seconds=wait_seconds)
