"""The parent's side: start the child process, feed it, and stop it when it takes too much."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess  # the whole point: a parser runs in a process of its own
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from documents.extraction.failures import ExtractionFailed

PROJECT = Path(__file__).resolve().parents[2]
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Ended:
    """What a child wrote, and how it ended (as in Popen.returncode: below 0 is a signal)."""

    output: bytes
    status: int


def run_child(module: str, request: str, file: IO[bytes], *, timeout_seconds: float, output_max_bytes: int) -> Ended:
    """Return what `python -m module request < file` writes to standard output.

    It runs in a session of its own and with an empty environment: no password of ours is in its reach.

    Raises ExtractionFailed: timed_out after `timeout_seconds` of wall clock; too_large when it writes more than
    `output_max_bytes`. In both cases nothing of it is left running.
    """
    process = subprocess.Popen(  # noqa: S603  our own interpreter and module; the file only comes in as its input
        [sys.executable, "-E", "-s", "-X", "utf8", "-m", module, request],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        start_new_session=True,
    )
    deadline = time.monotonic() + timeout_seconds
    try:
        output = _read(process, deadline, output_max_bytes)
        status = process.wait(max(0.0, deadline - time.monotonic()))
    except (subprocess.TimeoutExpired, TimeoutError):
        raise ExtractionFailed.because("timed_out") from None
    finally:
        _end(process)
    return Ended(output, status)


def _read(process: subprocess.Popen[bytes], deadline: float, max_bytes: int) -> bytes:
    """Return all output. Raises TimeoutError at the deadline, ExtractionFailed beyond `max_bytes`."""
    assert process.stdout is not None
    parts: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not selector.select(remaining):
                raise TimeoutError
            part = os.read(process.stdout.fileno(), _READ_BYTES)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise ExtractionFailed.because("too_much_text")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the child: neither it nor what it started, nor its pipe."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
