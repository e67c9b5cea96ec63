"""Imports files and folders into a corpus and indexes them in this process, for `manage.py ingest`.

Small files are indexed together, as workers do.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from documents.indexing.attempts import CRASHES_MAX, Interrupted, restart
from documents.indexing.batch_pipeline import index_with_companions
from documents.indexing.pipeline import MODEL_IS_AWAY
from documents.indexing.queue import enqueue
from documents.indexing.versions import SpaceChanged
from documents.models import Corpus, Document
from documents.reindexing.closeness import keep_closeness
from documents.storage.deletion import delete_document
from documents.text.names import SOURCE_MAX_CHARS, clean_text
from documents.uploads.acceptance import accept_upload, known_bytes, replace_file
from documents.uploads.folder_batches import Folder, Waiting
from documents.vectors.spaces import ensure_index, has_index
from ragsite.errors import InvalidInput, StorageFull, UploadTooLarge

UNCHANGED = "unchanged"
READY, FAILED, PROCESSING = Document.Status.READY, Document.Status.FAILED, Document.Status.PROCESSING


@dataclass(frozen=True)
class Found:
    """A file to ingest, and the name that its document is known by."""

    path: Path
    source: str


@dataclass(frozen=True)
class Ingested:
    """The result for one file: ready, failed, unchanged, or processing when it is left to a worker."""

    file: str
    status: str
    error_code: str = ""
    message: str = ""
    chunks: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Report:
    """The results for all files."""

    documents: Sequence[Ingested]
    seconds: float
    stopped: bool = False

    @property
    def ready(self) -> int:
        """Return how many were indexed."""
        return self._counts[READY]

    @property
    def failed(self) -> int:
        """Return how many could not be indexed."""
        return self._counts[FAILED]

    @property
    def unchanged(self) -> int:
        """Return how many files the corpus already had."""
        return self._counts[UNCHANGED]

    @property
    def processing(self) -> int:
        """Return how many files are left to a worker."""
        return self._counts[PROCESSING]

    @property
    def bytes(self) -> int:
        """Return the size of the files that were not unchanged."""
        return sum(done.bytes for done in self.documents if done.status != UNCHANGED)

    @property
    def _counts(self) -> Counter[str]:
        return Counter(done.status for done in self.documents)


def ingest_paths(
    corpus: Corpus,
    paths: Iterable[Path | str],
    *,
    leave_to_worker: bool = False,
    on_start: Callable[[int], None] = lambda files: None,
    on_file: Callable[[Ingested], None] = lambda done: None,
    keep_going: Callable[[], bool] = lambda: True,
) -> Report:
    """Index files, folders and globs into a corpus, and return the result for each file.

    Files that didn't change are skipped; a known file with new bytes gets a new version. Stops when `keep_going` says
    so, after the current file or group of small files. Raises InvalidInput for a path without files, before anything
    is done.
    """
    started = time.monotonic()
    files = find_files(paths)
    on_start(len(files))
    done: dict[int, Ingested] = {}

    def tell(place: int, ingested: Ingested) -> None:
        done[place] = ingested
        on_file(ingested)

    _Ingesting(corpus, files, tell, keep_going).run(leave_to_worker=leave_to_worker)
    _complete(corpus)
    in_order = [done[place] for place in sorted(done)]
    return Report(in_order, round(time.monotonic() - started, 3), stopped=len(done) < len(files))


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[Callable[[], bool]]:
    """Yield a `keep_going` that returns False after SIGTERM or SIGINT, so that the report is still written."""
    told: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: told.append(number))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield lambda: not told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def find_files(paths: Iterable[Path | str]) -> list[Found]:
    """Return the files that paths, folders and globs name, each once; hidden ones in folders are left out.

    A file's source is its path below the folder that was given, with that folder's name: `docs/guide/start.md`.
    """
    found: dict[Path, Found] = {}
    for given in paths:
        matches = [Path(given)] if Path(given).exists() else _globbed(str(given))
        files = [file for match in matches for file in _files_of(match)]
        if not files:
            raise InvalidInput(f"There is no file at {given}.", fields={"path": f"no file at {given}"})
        for file in files:
            found.setdefault(file.path.resolve(), file)
    return list(found.values())


def _globbed(pattern: str) -> list[Path]:
    # Path.glob takes no absolute pattern.
    return [Path(match) for match in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207


def _files_of(given: Path) -> Iterator[Found]:
    if given.is_file():
        outside = given.is_absolute() or ".." in given.parts
        yield Found(given, _source(given.name if outside else given.as_posix()))
        return
    for folder, folders, names in os.walk(given):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file():
                yield Found(path, _source(f"{given.resolve().name}/{path.relative_to(given).as_posix()}"))


def _source(path: str) -> str:
    return clean_text(path, SOURCE_MAX_CHARS)


class _Ingesting:
    """Accepts and indexes files one after the other, and reports the result for each."""

    def __init__(
        self,
        corpus: Corpus,
        files: Sequence[Found],
        tell: Callable[[int, Ingested], None],
        keep_going: Callable[[], bool],
    ) -> None:
        self._corpus = corpus
        self._files = files
        self._tell = tell
        self._keep_going = keep_going
        self._seen: set[UUID] = set()  # documents that were waiting, and may wait still
        self._again: list[Waiting] = []  # further files of such documents: copies, or other bytes under the same name

    def run(self, *, leave_to_worker: bool) -> None:
        folder = Folder(self._waiting(), self._end)
        while (found := folder.next()) is not None:
            place, document = found
            if leave_to_worker:
                _leave_to_worker(document)
            else:
                _index(document, folder)
            self._end(place, document)
        for place, document in sorted(self._again, key=lambda waiting: waiting[0]):
            document.refresh_from_db()
            was_ready = document.status == READY
            if document.status == PROCESSING and not leave_to_worker:
                _index(document, folder)
                document.refresh_from_db()
            self._tell(place, self._result(place, document, UNCHANGED if was_ready else None))

    def _waiting(self) -> Iterator[Waiting]:
        """Accept the files, and yield the documents that are to be indexed."""
        for place, found in enumerate(self._files):
            if not self._keep_going():
                return
            try:
                document = _document_for(self._corpus, found)
            except (UploadTooLarge, StorageFull) as exc:
                self._tell(place, Ingested(str(found.path), FAILED, exc.code, exc.message))
                continue
            except OSError as exc:
                message = f"The file can't be read: {exc.strerror}."
                self._tell(place, Ingested(str(found.path), FAILED, "unreadable", message))
                continue
            if document.status == READY:
                self._tell(place, self._result(place, document, UNCHANGED))
            elif document.pk in self._seen:
                self._again.append((place, document))
            else:
                self._seen.add(document.pk)
                yield place, document

    def _end(self, place: int, document: Document) -> None:
        document.refresh_from_db()
        if document.status == PROCESSING and any(document == again for _, again in self._again):
            self._again.append((place, document))  # it got a new file meanwhile
        else:
            self._tell(place, self._result(place, document))

    def _result(self, place: int, document: Document, status: str | None = None) -> Ingested:
        return Ingested(
            str(self._files[place].path),
            status or document.status,
            document.error_code,
            document.error_detail,
            document.chunks_total if document.status == READY else 0,
            document.size_bytes,
        )


def _document_for(corpus: Corpus, found: Found) -> Document:
    """Return the file's document: ready when it is unchanged, else waiting to be indexed."""
    with found.path.open("rb") as file:
        same = known_bytes(corpus, hashlib.file_digest(file, "sha256").hexdigest())
        before = Document.objects.filter(corpus=corpus, source=found.source, deleted_at=None).first()
        if same is not None:
            if before is not None and before != same:
                delete_document(before)  # the file is now a copy of another one
            return (restart(same) or same) if same.status == FAILED else same
        file.seek(0)
        if before is not None:
            return replace_file(before, file=file)
        return accept_upload(corpus, file=file, name=found.path.name, source=found.source, enqueued=False).document


def _index(document: Document, folder: Folder) -> None:
    """Index a document, and if it is small, others of the folder; it is finished even after a signal."""
    for _ in range(CRASHES_MAX):
        try:
            index_with_companions(document.pk, folder, lambda: True)
        except (*MODEL_IS_AWAY, Interrupted):
            _leave_to_worker(document)
        except SpaceChanged:
            continue
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # noqa: BLE001, S112 - it is logged and counted; the third one parks the document
            continue
        return


def _leave_to_worker(document: Document) -> None:
    with transaction.atomic():
        enqueue(document)


def _complete(corpus: Corpus) -> None:
    """Build the live space's index if it needs one, and measure what its cosines mean."""
    corpus.refresh_from_db()
    space = corpus.live_space
    if space is not None and corpus.chunk_count > settings.EXACT_SCAN_MAX_CHUNKS and not has_index(space):
        ensure_index(space)
    if space is not None:
        keep_closeness(space, corpus.chunk_count)
