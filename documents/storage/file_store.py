"""Stores uploaded files on disk under random names, completely or not at all.

A full disk would leave a truncated file under its final name. So bytes are written to a temporary file in the same
folder, synced, compared with what was received, and only then renamed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from documents.models import Document
from ragsite.config.disk_space import require_room_in_database
from ragsite.errors import StorageFull, UploadTooLarge

PART_SUFFIX = ".part"  # of an unfinished file
FLOOR_CHECK_BYTES = 4 * 1024 * 1024  # the free disk space is checked after each so many bytes
ORPHAN_AGE_SECONDS = 3600  # a newer file without a row may still get one
KEYS_PER_QUERY = 1000
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class Stored:
    """A file that is completely written and synced to disk."""

    key: str
    sha256: str
    size_bytes: int


def path_of(key: str) -> Path:
    """Return where the file of this key is, or would be."""
    return _root() / key


def remove_file(key: str) -> None:
    """Delete the file of this key, if it exists."""
    if key:
        path_of(key).unlink(missing_ok=True)


class Incoming:
    """A file that is being received: counted and hashed as it is written, and deleted unless it is kept."""

    def __init__(self) -> None:
        name = secrets.token_hex(16)
        self.key = f"{name[:2]}/{name[2:4]}/{name}"
        self.size_bytes = 0
        self._digest = hashlib.sha256()
        self._part = path_of(self.key + PART_SUFFIX)
        with _disk_errors():
            _make_folder(self._part.parent)
            _check_floor()
            opened = os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        self.file: IO[bytes] = os.fdopen(opened, "w+b")
        self._discard = weakref.finalize(self, _discard, self.file, self._part)

    @property
    def sha256(self) -> str:
        """Return the hash of what was written so far, in hex."""
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises UploadTooLarge past UPLOAD_MAX_BYTES, and StorageFull; the file is deleted then."""
        before = self.size_bytes
        self.size_bytes += len(chunk)
        try:
            if self.size_bytes > settings.UPLOAD_MAX_BYTES:
                raise UploadTooLarge
            with _disk_errors():
                if before // FLOOR_CHECK_BYTES != self.size_bytes // FLOOR_CHECK_BYTES:
                    _check_floor()
                self.file.write(chunk)
        except Exception:
            self.discard()
            raise
        self._digest.update(chunk)

    def keep(self) -> Stored:
        """Move the complete file to its final name, and return it. Raises StorageFull; the file is deleted then."""
        try:
            with _disk_errors():
                self.file.flush()
                os.fsync(self.file.fileno())
                self._compare()
                self.file.close()
                self._part.rename(path_of(self.key))
                _sync_folder(self._part.parent)
        except Exception:
            self.discard()
            raise
        self._discard.detach()
        return Stored(self.key, self.sha256, self.size_bytes)

    def discard(self) -> None:
        """Delete the unfinished file. Does nothing the second time, and after `keep`."""
        self._discard()

    def _compare(self) -> None:
        self.file.seek(0)
        on_disk = hashlib.file_digest(self.file, "sha256")  # type: ignore[arg-type]  # a binary file will do
        if os.fstat(self.file.fileno()).st_size != self.size_bytes or on_disk.hexdigest() != self.sha256:
            raise OSError(errno.EIO, "what is on disk is not what was received")


def sweep_orphans(older_than_seconds: float = ORPHAN_AGE_SECONDS) -> int:
    """Delete files that no document names and unfinished ones, when older than that; return how many."""
    before = time.time() - older_than_seconds
    removed = 0
    old: dict[str, Path] = {}
    for path in _files():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime >= before:
                continue
        old[str(path.relative_to(_root()))] = path
        if len(old) >= KEYS_PER_QUERY:
            removed += _remove_unnamed(old)
            old = {}
    return removed + _remove_unnamed(old)


def _remove_unnamed(files: dict[str, Path]) -> int:
    named = set(Document.objects.filter(file_key__in=files, deleted_at=None).values_list("file_key", flat=True))
    orphans = [path for key, path in files.items() if key not in named]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def _files() -> Iterator[Path]:
    for folder, _folders, names in os.walk(_root()):
        for name in names:
            yield Path(folder, name)


def _root() -> Path:
    return Path(settings.MEDIA_ROOT) / "documents"


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)
        _sync_folder(folder.parent.parent)


def _sync_folder(folder: Path) -> None:
    # A rename is durable only when the folder is synced.
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _check_floor() -> None:
    if shutil.disk_usage(_root()).free < settings.FREE_DISK_FLOOR_BYTES:
        raise StorageFull
    require_room_in_database()


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise StorageFull from exc
        raise


def _discard(file: IO[bytes], part: Path) -> None:
    # Closing flushes the buffer, which fails on a full disk.
    with contextlib.suppress(OSError):
        file.close()
    part.unlink(missing_ok=True)
