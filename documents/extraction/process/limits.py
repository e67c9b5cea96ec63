"""Sets the limits of the child process before it looks at a file."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from documents.extraction.process.seccomp import filter_calls

_PR_SET_PDEATHSIG = 1
_OPEN_FILES_MAX = 64
_MB = 1_000_000
_SMALL_BYTES = _MB  # up to here, a file gets the least; with each MB more it gets more, up to the settings
_SMALL_SECONDS, _SECONDS_PER_MB = 10, 5
_SMALL_MEMORY, _MEMORY_PER_MB = 512 * 1024 * 1024, 24 * 1024 * 1024
_loaded: list[int] = []  # bytes of address space that are no file's


@dataclass(frozen=True)
class Limits:
    """The resources that reading one file may use."""

    memory_bytes: int  # of address space, beyond what the process has before it
    cpu_seconds: int
    wall_seconds: int  # of the clock: a machine that is busy with other things takes longer
    max_chars: int


def limits_for(size_bytes: int, *, seconds: int, memory_bytes: int, max_chars: int) -> Limits:
    """Return the limits for a file of this size; `seconds` and `memory_bytes` are the upper bounds for any file.

    Files are read at 1 MB/s and faster: 10 s and 512 MB are ten times what a usual file of 1 MB needs, and a file that
    is made to run for ever blocks a worker no longer than that. A file of 11 MB gets 60 s.
    """
    beyond = max(0, size_bytes - _SMALL_BYTES)
    cpu = min(seconds, _SMALL_SECONDS + beyond * _SECONDS_PER_MB // _MB)
    memory = min(memory_bytes, _SMALL_MEMORY + beyond * _MEMORY_PER_MB // _MB)
    return Limits(memory_bytes=memory, cpu_seconds=cpu, wall_seconds=min(seconds, 2 * cpu), max_chars=max_chars)


def restrict(limits: Limits, *, parent_pid: int) -> None:
    """Remove from this process all rights that reading one file does not need. This can't be undone.

    Memory, CPU time and open files are bounded; it can't write files, start processes or threads, or dump core; it has
    only the system calls that reading needs; it dies with its parent.
    """
    sys.dont_write_bytecode = True  # it could not
    _limit(resource.RLIMIT_AS, sum(_loaded) + limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, grace=1)  # SIGXCPU first, which the parent can tell from a crash
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES_MAX)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)  # the parent died before the line above
    _limit(resource.RLIMIT_NPROC, 0)
    filter_calls()


def note_address_space() -> None:
    """Record the size of this process with all readers loaded, for the limits of its children."""
    # Before the fences: /proc is out of reach behind them.
    with contextlib.suppress(OSError):
        _loaded[:] = [int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()]


def _limit(what: int, value: int, *, grace: int = 0) -> None:
    """Lower a resource limit, unless it is lower already."""
    _, hard = resource.getrlimit(what)
    top = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(what, (min(value, top), top))
