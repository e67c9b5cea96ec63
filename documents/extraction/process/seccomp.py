"""Installs a seccomp filter that allows only the system calls that reading a file needs.

There is no socket, no new process, no other program and no writing among them. A call that is not listed fails as on
a kernel that does not know it (ENOSYS), so that libraries fall back to an older one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from functools import lru_cache

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # operations of the kernel's filter language
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in what a filter looks at; an argument has 8 bytes
_X32 = 0x40000000  # calls of another ABI of x86-64, numbered from here

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | 0o20000000  # the last one: a file without a name
_CLONE_THREAD = 0x00010000
_HARMLESS_IOCTLS = (0x5401, 0x5450, 0x5451, 0x541B)  # is it a terminal, keep or close on exec, how much is there
_SIGNALLING_FCNTLS = (8, 10, 15)  # that let a descriptor send signals to another process

_ANY_PID = 0x7E57C0DE  # stands for the process that the filter is for
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # machine -> audit number, column below
# Call -> its number on x86-64 and on 64-bit ARM; None: not there.
_CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "stat": (4, None),
    "lstat": (6, None),
    "statx": (332, 291),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "preadv": (295, 69),
    "fadvise64": (221, 223),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getrandom": (318, 278),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "set_tid_address": (218, 96),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "arch_prctl": (158, None),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
# With a look at their arguments.
_OPEN, _OPENAT = (2, None), (257, 56)
_KILL_CALL, _TGKILL = (62, 129), (234, 131)
_CLONE, _PRLIMIT, _IOCTL, _FCNTL = (56, 220), (302, 261), (16, 29), (72, 25)


def is_possible() -> bool:
    """Return whether this kernel takes a filter, and the numbers of this machine's calls are known here."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES or sys.maxsize < 2**32:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # Asked for a filter at address 0, a kernel that has filters stumbles over the address.
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, 0, 0, 0)
    return ctypes.get_errno() == errno.EFAULT


def filter_calls() -> bool:
    """Leave this process, for good, with the calls above; return whether the kernel does that.

    It must have given up new privileges before (PR_SET_NO_NEW_PRIVS).
    """
    if not is_possible():
        return False
    program = compiled().replace(_value(_ANY_PID), _value(os.getpid()))
    code = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_char_p(described), 0, 0) == 0)


@lru_cache(maxsize=1)
def compiled() -> bytes:
    """Return the filter for the process _ANY_PID; a parent that calls this spares its children the work."""
    return b"".join(_program())


def _program() -> Iterator[bytes]:
    """Yield the filter's instructions, 8 bytes each."""
    architecture, column = _ARCHITECTURES[platform.machine()]
    yield _do(_LOAD, _ARCHITECTURE)
    yield _do(_EQUAL, architecture, yes=1)
    yield _do(_RETURN, _KILL)
    yield _do(_LOAD, _NUMBER)
    if platform.machine() == "x86_64":
        yield _do(_AT_LEAST, _X32, no=1)
        yield _do(_RETURN, _KILL)
    for numbers in _CALLS.values():
        if (number := numbers[column]) is not None:
            yield _do(_EQUAL, number, no=1)
            yield _do(_RETURN, _ALLOW)
    refused = _ERRNO | errno.EPERM
    for numbers, argument, operation, value, if_so, if_not in (
        (_OPENAT, 2, _ANY_BIT, (_WRITING,), _ERRNO | errno.EACCES, _ALLOW),
        (_OPEN, 1, _ANY_BIT, (_WRITING,), _ERRNO | errno.EACCES, _ALLOW),
        (_KILL_CALL, 0, _EQUAL, (_ANY_PID,), _ALLOW, refused),
        (_TGKILL, 0, _EQUAL, (_ANY_PID,), _ALLOW, refused),
        (_CLONE, 0, _ANY_BIT, (_CLONE_THREAD,), _ALLOW, refused),  # whether a thread may be, RLIMIT_NPROC says
        (_PRLIMIT, 0, _EQUAL, (0,), _ALLOW, refused),
        (_IOCTL, 1, _EQUAL, _HARMLESS_IOCTLS, _ALLOW, _ERRNO | errno.ENOTTY),
        (_FCNTL, 1, _EQUAL, _SIGNALLING_FCNTLS, refused, _ALLOW),
    ):
        if (number := numbers[column]) is not None:
            yield from _by_argument(number, argument, operation, value, if_so, if_not)
    yield _do(_RETURN, _ERRNO | errno.ENOSYS)


def _by_argument(
    number: int, argument: int, operation: int, values: tuple[int, ...], if_so: int, if_not: int
) -> Iterator[bytes]:
    """Yield what decides about a call by the lower half of an argument: all of these are ints to the kernel."""
    yield _do(_EQUAL, number, no=2 * len(values) + 2)
    yield _do(_LOAD, _ARGUMENTS + 8 * argument)
    for value in values:
        yield _do(operation, value, no=1)
        yield _do(_RETURN, if_so)
    yield _do(_RETURN, if_not)


def _do(operation: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """Return an instruction; `yes` and `no`: how many to skip by the outcome of a comparison."""
    return struct.pack("HBB", operation, yes, no) + _value(value)


def _value(value: int) -> bytes:
    return struct.pack("I", value)
