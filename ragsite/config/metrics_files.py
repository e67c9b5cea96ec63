"""Shares metrics between the processes of one server, in memory-mapped files that no full disk can break.

`prometheus_client` makes sparse files and maps them: on a full disk the first write to a new page is SIGBUS, which ends
the process. Here every byte is allocated before it is mapped; where that is refused, a process keeps its figures to
itself and goes on. Each process tree has a folder of its own, so that no server wipes another one's; folders whose
processes are all gone are removed by the next server that starts.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import mmap
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder has a random name, and is its owner's alone
ENOUGH_BYTES = 16 * 1024 * 1024  # a process takes half a megabyte
ENTRY_BYTES = 64  # of an entry, besides its name; more than it needs
PREFIX = "ragsite-metrics-"
LOCK = "in-use.lock"

logger = logging.getLogger(__name__)
_held: list[IO[bytes]] = []


def share(var_dir: Path) -> Path:
    """Return the folder that this process and its children share, and name it in the environment.

    One that is named there already is used as it is. `var_dir`: where it is made when there is no room in memory.
    """
    given = shared_folder()
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        return given
    parent = _parent(var_dir)
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getuid()}-", dir=parent))
    lock = (folder / LOCK).open("wb")  # forked workers hold it, too: it is free when the last of them is gone
    fcntl.flock(lock, fcntl.LOCK_SH)
    _held.append(lock)
    atexit.register(_remove_own, folder, os.getpid())
    os.environ[VARIABLE] = str(folder)
    return folder


def shared_folder() -> Path | None:
    """Return the folder that this process shares its metrics in; None: it keeps them to itself."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def remove_abandoned(parent: Path) -> None:
    """Remove the folders in `parent` whose processes are all gone."""
    for folder in parent.glob(f"{PREFIX}{os.getuid()}-*"):
        with suppress(OSError), (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def allocate_before_use() -> None:
    """Make `prometheus_client` write to allocated memory only. Call it before the first metric is made."""
    if not os.environ.get(VARIABLE):
        return  # each process counts for itself, in its own memory
    from prometheus_client import values  # decides by the environment, so not before it is complete
    from prometheus_client.mmap_dict import _INITIAL_MMAP_SIZE, MmapedDict

    class AllocatedDict(MmapedDict):
        """A file of metrics of which every byte is there; plain memory when it can't be."""

        def __init__(self, filename: str, read_mode: bool = False) -> None:
            if not read_mode:
                try:
                    with Path(filename).open("ab") as file:
                        _allocate(file, max(_INITIAL_MMAP_SIZE, os.fstat(file.fileno()).st_size))
                except OSError as error:
                    self._use_memory(error, filename)
                    return
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

        def _use_memory(self, error: OSError, filename: str) -> None:
            logger.warning("metrics of this process are its own from now on: %s", error.strerror)
            with suppress(OSError):
                Path(filename).unlink()  # an empty one can't be read
            self._f: Any = None
            self._fname = filename
            self._m = mmap.mmap(-1, _INITIAL_MMAP_SIZE)
            self._capacity = _INITIAL_MMAP_SIZE
            self._positions: dict[str, int] = {}
            self._used = 8

        def _init_value(self, key: str) -> None:
            while self._used + len(key.encode()) + ENTRY_BYTES > self._capacity:
                self._grow()
            super()._init_value(key)  # type: ignore[no-untyped-call]

        def _grow(self) -> None:
            larger = 2 * self._capacity
            if self._f is not None:
                try:
                    _allocate(self._f, larger)
                except OSError as error:
                    logger.warning("new metrics of this process are its own from now on: %s", error.strerror)
                    self._f.close()
                    self._f = None
            if self._f is not None:
                grown = mmap.mmap(self._f.fileno(), larger)
            else:
                grown = mmap.mmap(-1, larger)
                grown[: self._used] = self._m[: self._used]
            self._m, self._capacity = grown, larger

    values.MmapedDict = AllocatedDict  # type: ignore[attr-defined]


def _allocate(file: IO[bytes], size: int) -> None:
    """Make sure that a file has so many bytes on its disk. Raises OSError."""
    os.posix_fallocate(file.fileno(), 0, size)


def _parent(var_dir: Path) -> Path:
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES:
        return MEMORY
    folder = var_dir / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _remove_own(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a forked child that ends
        shutil.rmtree(folder, ignore_errors=True)
