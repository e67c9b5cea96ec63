"""Offers the files of a folder to the batch pipeline, in place of a worker's queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator

from documents.indexing.batch_pipeline import may_be_together
from documents.indexing.companion_jobs import Taken
from documents.models import Document

Waiting = tuple[int, Document]  # a document that waits to be indexed, and the place of its file among all


class Folder:
    """Documents to be indexed: each is returned once, by `next` or as a companion by `take`.

    `documents` is read no further than needed. `on_end` is called for each companion that has ended, after its
    transaction is committed.
    """

    def __init__(self, documents: Iterator[Waiting], on_end: Callable[[int, Document], None]) -> None:
        self._documents = documents
        self._on_end = on_end
        self._alone: deque[Waiting] = deque()  # large, or failed with others
        self._next: Waiting | None = None
        self._open: dict[int, Waiting] = {}
        self._ended: set[int] = set()

    def next(self) -> Waiting | None:
        """Return the next document; None: all were returned."""
        if self._alone:
            return self._alone.popleft()
        found, self._next = self._look(), None
        return found

    def take(self, *, files_max: int, bytes_max: int) -> list[Taken]:
        """Return the next small files, at most so many, and so many bytes; the first one may be larger."""
        self._tell()
        taken: list[Taken] = []
        left = bytes_max
        while len(taken) < files_max and (found := self._look()) is not None:
            place, document = found
            if may_be_together(document):
                left -= document.size_bytes
                if taken and left < 0:
                    break
                self._open[place] = found
                taken.append(Taken(place, document.pk))
            else:
                self._alone.append(found)
            self._next = None
        return taken

    def others_are_next(self) -> bool:
        """Return whether a document waits that is to be indexed by itself."""
        return bool(self._alone)

    def finish(self, job_ids: Collection[int]) -> None:
        """Store which have ended; `on_end` is called later, because the caller's transaction may still fail."""
        self._ended.update(job_ids)

    def retry(self, job_ids: Collection[int], *, wait_seconds: float) -> None:
        """Return these from `next`, so that each is indexed by itself."""
        self._ended.difference_update(job_ids)
        self._alone += [self._open.pop(place) for place in job_ids if place in self._open]

    def close(self) -> None:
        """End a run: what it left is returned from `next`."""
        self._tell()
        self.retry(list(self._open), wait_seconds=0.0)

    def _look(self) -> Waiting | None:
        if self._next is None:
            self._next = next(self._documents, None)
        return self._next

    def _tell(self) -> None:
        for place in sorted(self._ended & self._open.keys()):
            self._on_end(*self._open.pop(place))
        self._ended.clear()
