"""The files of a folder, of which the small ones are indexed together, as the jobs of a worker's queue are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator

from documents.indexing.batch_pipeline import may_be_together
from documents.indexing.companion_jobs import Taken
from documents.models import Document

Waiting = tuple[int, Document]  # a document that waits to be indexed, and the place of its file among all


class Folder:
    """Documents on their way in: each is given out once, by itself or to be taken along with another one.

    `documents` is asked for as few as are needed next. `on_end` is told of each that was taken along and has ended,
    when what was stored of it is committed.
    """

    def __init__(self, documents: Iterator[Waiting], on_end: Callable[[int, Document], None]) -> None:
        self._documents = documents
        self._on_end = on_end
        self._alone: deque[Waiting] = deque()  # large, or failed with others
        self._next: Waiting | None = None
        self._open: dict[int, Waiting] = {}
        self._ended: set[int] = set()

    def next(self) -> Waiting | None:
        """Return the next one; None: all were given out."""
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
        """Return whether a file waits that is to be indexed by itself."""
        return bool(self._alone)

    def finish(self, job_ids: Collection[int]) -> None:
        """Note which have ended; the transaction in which that happens may yet fail."""
        self._ended.update(job_ids)

    def retry(self, job_ids: Collection[int], *, wait_seconds: float) -> None:
        """Have these indexed by themselves."""
        self._ended.difference_update(job_ids)
        self._alone += [self._open.pop(place) for place in job_ids if place in self._open]

    def close(self) -> None:
        """Have what is left of a run indexed by itself."""
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
