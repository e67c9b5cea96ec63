"""Restricts the file system, the network and other processes for this process with Landlock."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all machines
_ASK_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_FILE_RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # the lowest bits, all of which are to be refused
_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract Unix sockets, and signals to processes outside
TCP_VERSION, SCOPE_VERSION = 4, 6


def version() -> int:
    """Return which version of Landlock the kernel has; 0: none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION))


def confine(readable: Iterable[Path]) -> int:
    """Leave this process and its children, for good, with reading below these folders; return the version that does it.

    No TCP from version 4 on; from 6 on no abstract Unix sockets, and no signals to processes that are not confined with
    it. It must have given up new privileges before (PR_SET_NO_NEW_PRIVS). 0: the kernel can't, and nothing is changed.
    """
    known = version()
    if not known:
        return 0
    rights = (1 << _FILE_RIGHTS_OF_VERSION.get(known, 16)) - 1
    attributes = [rights]
    if known >= TCP_VERSION:
        attributes.append(_TCP)
    if known >= SCOPE_VERSION:
        attributes.append(_SCOPES)
    described = struct.pack(f"{len(attributes)}Q", *attributes)
    ruleset = _call(_CREATE_RULESET, ctypes.c_char_p(described), len(described), 0)
    if ruleset < 0:
        return 0
    try:
        for folder in readable:
            _allow_reading(ruleset, folder)
        return known if _call(_RESTRICT_SELF, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow_reading(ruleset: int, folder: Path) -> None:
    try:
        opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it is not there
    try:
        rule = struct.pack("=Qi", _READ_FILE | _READ_FOLDER if folder.is_dir() else _READ_FILE, opened)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
    finally:
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(libc.syscall(ctypes.c_long(number), *wide))
