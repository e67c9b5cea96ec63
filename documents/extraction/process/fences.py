"""Sandboxes the process that reads files: keeps it from everything it does not need, whatever a file makes it do.

Its parent can reach the database, the secret key, all uploads and its own environment. Each fence below blocks
these by another means, so that one which the kernel lacks, or which has a hole, is backed by the others. All are active
before the first file is read, and cannot be removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from documents.extraction.process import landlock, seccomp
from ragsite.paths import PROJECT

FENCES = {
    "own user": "needs root",
    "files": "needs Linux 5.13 with Landlock",
    "network": "needs Linux 6.7 with Landlock, or root",
    "signals": "needs Linux 6.12 with Landlock, or root",
    "system calls": "needs seccomp, on x86-64 or 64-bit ARM",
    "privileges": "needs Linux",
}
NOBODY = 65534
_FIRST_USER = 0x70000000  # with the process id added: no two of these processes are the same user
_PR_SET_KEEPCAPS, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 8, 4, 38
_CLONE_NEWNET = 0x40000000
_CAP_DAC_READ_SEARCH = 1 << 2
_CAPABILITY_VERSION = 0x20080522
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
_READ_BY_LIBRARIES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types")


def hide_this_process() -> None:
    """Hide memory and environment of this process from others of the same user: /proc shows them to root only.

    It writes no core dump either.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def put_up(also_readable: Sequence[Path] = ()) -> list[str]:
    """Put up all fences that this machine supports except the system call filter; return their names (see FENCES).

    Code and the files below `also_readable` stay readable.
    The system call filter is installed per file (`limits.restrict`): it would keep this process from starting children.
    """
    if sys.platform != "linux":
        return []
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go when memory is short; children inherit it
    libc = ctypes.CDLL(None, use_errno=True)
    has_no_network = os.geteuid() == 0 and libc.unshare(_CLONE_NEWNET) == 0
    is_somebody_else = _become_somebody_else(libc)
    standing = {"privileges"} if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 else set()
    version = landlock.confine([*code_folders(), *(path for path in also_readable if path.exists())])
    if is_somebody_else and not version:
        _drop_capabilities(libc, keep=0)  # what let it read the code would let it read everything
    standing |= {"own user", "signals"} if is_somebody_else else set()
    standing |= {"files"} if version else set()
    standing |= {"network"} if version >= landlock.TCP_VERSION or has_no_network else set()
    standing |= {"signals"} if version >= landlock.SCOPE_VERSION else set()
    hide_this_process()  # last: changing the user changes it
    return [name for name in FENCES if name in standing]


def expected() -> list[str]:
    """Return which fences a process that is started now would have."""
    if sys.platform != "linux":
        return []
    version, is_root = landlock.version(), os.geteuid() == 0
    standing = {
        "own user": is_root,
        "files": version > 0,
        "network": version >= landlock.TCP_VERSION or is_root,
        "signals": version >= landlock.SCOPE_VERSION or is_root,
        "system calls": seccomp.is_possible(),
        "privileges": True,
    }
    return [name for name in FENCES if standing[name]]


def code_folders() -> list[Path]:
    """Return the folders and files that Python and its libraries load code from. No documents or secrets are there."""
    found = [Path(entry).resolve() for entry in sys.path if entry] + [
        Path(entry) for entry in (*_LIBRARIES, *_READ_BY_LIBRARIES)
    ]
    base = Path(sys.base_prefix).resolve()
    found += [PROJECT / "documents", base / "lib" / f"python3.{sys.version_info.minor}"]
    found += sorted((base / "lib").glob("*.so*"))
    return [path for path in dict.fromkeys(found) if path.exists() and not PROJECT.is_relative_to(path)]


def _become_somebody_else(libc: ctypes.CDLL) -> bool:
    """Change to a user that owns nothing, and return whether that worked: only root can.

    Where only root can read the code (an interpreter in root's home), the capability to read files is kept, and
    Landlock limits it. Without Landlock, modules that are not loaded by now can't be loaded.
    """
    if os.geteuid() != 0:
        _drop_capabilities(libc, keep=0)
        return False
    keep = _CAP_DAC_READ_SEARCH if any(map(_is_closed, code_folders())) else 0
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    for user in (_FIRST_USER + os.getpid(), NOBODY):  # a container may have no users beyond 65,535
        try:
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            break
        except OSError:
            continue
    _drop_capabilities(libc, keep=keep)
    return os.geteuid() != 0


def _is_closed(path: Path) -> bool:
    """Return whether only some users may read below a folder."""
    return not all(each.stat().st_mode & 0o001 for each in (path, *path.parents) if each.is_dir())


def _drop_capabilities(libc: ctypes.CDLL, *, keep: int) -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(keep, keep, 0, 0, 0, 0)  # effective, permitted, inheritable; then their upper halves
    libc.capset(ctypes.byref(header), ctypes.byref(sets))


def describe(standing: list[str]) -> str:
    """Return a line that names the active fences, and what the missing ones need."""
    up = [name for name in FENCES if name in standing]
    missing = [f"{name} ({need})" for name, need in FENCES.items() if name not in standing]
    line = f"files are read behind these fences: {', '.join(up) or 'none'}"
    return f"{line}; missing: {', '.join(missing)} [{platform.system()} {platform.release()}]" if missing else line
