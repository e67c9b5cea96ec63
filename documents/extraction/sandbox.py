"""Limits that the child process puts on itself before it looks at a file."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OPEN_FILES_MAX = 64


@dataclass(frozen=True)
class Limits:
    """What one file may cost."""

    memory_bytes: int  # of address space
    cpu_seconds: int
    max_chars: int
    parent_pid: int


def restrict(limits: Limits) -> None:
    """Take from this process all that reading one file does not need. It can't be undone.

    Memory, CPU time and open files are bounded; it can't write files, start processes (unless root), gain rights or
    dump core; it dies with its parent, and first of all when the machine is out of memory. Where the kernel allows it,
    it has no network.
    """
    sys.dont_write_bytecode = True  # it could not
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, grace=1)  # SIGXCPU first, which the parent can tell from a crash
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES_MAX)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != limits.parent_pid:
        os._exit(1)  # the parent died before the line above
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET):
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)  # without root; where neither is allowed, there is no more to do
    _limit(resource.RLIMIT_NPROC, 0)


def _limit(what: int, value: int, *, grace: int = 0) -> None:
    """Lower a limit; one that is lower already stays."""
    _, hard = resource.getrlimit(what)
    top = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(what, (min(value, top), top))
