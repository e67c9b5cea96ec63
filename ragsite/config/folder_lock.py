"""Locks a folder for one server; a second server is told which process holds it.

The kernel drops the lock with the process that has it, so a crash leaves none behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

NAME = "serve.lock"


class FolderInUse(Exception):
    """Another server uses the folder; the message says which process, since when, and at which port."""


def hold(folder: Path, *, port: int) -> IO[str]:
    """Take the folder for this process, until the returned file is closed. Raises FolderInUse."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / NAME).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            raise FolderInUse(_sentence(folder, file)) from None
    file.truncate(0)
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since, "port": port}, file)
    file.flush()
    return file


def _sentence(folder: Path, file: IO[str]) -> str:
    file.seek(0)
    try:
        told: dict[str, Any] = json.load(file)
        holder = "process {pid} on {host}, since {since}, at port {port}".format(**told)
    except (ValueError, KeyError, TypeError):  # it has the lock, and has not written yet
        holder = "a process that has just started"
    return f"Another server uses {folder.resolve()}: {holder}. Stop it first, or set VAR_DIR to another folder."
