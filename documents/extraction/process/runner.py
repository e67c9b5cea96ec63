"""Starts the fork server from the worker, hands it files, and stops reads that take too much."""

from __future__ import annotations

import array
import contextlib
import json
import logging
import os
import selectors
import signal
import socket
import subprocess  # the whole point: a parser runs in a process of its own
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from documents.extraction.failures import ExtractionFailed
from documents.extraction.process.fences import describe, hide_this_process
from documents.extraction.process.fork_server import CONTROL, LENGTH, STATUS
from ragsite.paths import PROJECT

START_SECONDS = 60.0  # half a second on a machine with nothing else to do
_STOP_SECONDS = 5.0  # until a child that was told to stop is gone
_TRIES = 2
_READ_BYTES = 1 << 20
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChildResult:
    """The output of a child, and its exit status (as in Popen.returncode: below 0 is a signal)."""

    output: bytes
    status: int


class _ServerGone(Exception):
    """Raised when the fork server ended while a file was being read."""


def run_child(
    module: str, request: dict[str, Any], file: IO[bytes], *, timeout_seconds: float, output_max_bytes: int
) -> ChildResult:
    """Return the output of a child of the fork server `module` for this file.

    The server is started when there is none, and once more when it dies.

    Raises ExtractionFailed: timed_out after `timeout_seconds` of wall clock; too_large when it writes more than
    `output_max_bytes`. In both cases the child is killed. Raises crashed when the server dies twice while it
    has the file.
    """
    for _ in range(_TRIES):
        server = _server(module)
        try:
            file.seek(0)
            return server.run(request, file, time.monotonic() + timeout_seconds, output_max_bytes)
        except TimeoutError:
            raise ExtractionFailed.because("timed_out") from None
        except _ServerGone:
            logger.warning("the process that reads files ended, and is started again")
            _discard(module, server)
    raise ExtractionFailed.because("crashed")


def start_server(module: str) -> None:
    """Start the fork server `module` ahead of time, so that the first file does not wait for it."""
    try:
        _server(module)
    except RuntimeError:
        logger.warning("the process that reads files does not start")  # the first file's reader will say so, too


@contextlib.contextmanager
def while_needed(module: str) -> Iterator[None]:
    """Stop the fork server `module` when the last block of this kind in this process ends: for a large server."""
    with _lock:
        _needed[module] += 1
    try:
        yield
    finally:
        with _lock:
            _needed[module] -= 1
            server = None if _needed[module] else _servers.pop(module, None)
        if server is not None:
            server.stop()


_servers: dict[str, _ForkServer] = {}
_needed: Counter[str] = Counter()
_lock = threading.Lock()


def _server(module: str) -> _ForkServer:
    with _lock:
        server = _servers.get(module)
        if server is None or not server.is_running:
            server = _servers[module] = _ForkServer(module)
    server.wait_until_ready()
    return server


def _discard(module: str, server: _ForkServer) -> None:
    with _lock:
        if _servers.get(module) is server:
            del _servers[module]
    server.stop()


class _ForkServer:
    """A running fork server; safe for use by any number of threads."""

    def __init__(self, module: str) -> None:
        hide_this_process()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-E", "-s", "-X", "utf8", "-c", _START, module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=PROJECT,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._control = ours
        self._sending = threading.Lock()
        self._starting = threading.Lock()
        self._is_ready = False

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until the server has loaded its readers. Raises RuntimeError when it does not start."""
        with self._starting:
            if self._is_ready:
                return
            self._control.settimeout(START_SECONDS)
            try:
                size = LENGTH.unpack(self._exactly(LENGTH.size))[0]
                ready = json.loads(self._exactly(size))
            except (OSError, EOFError) as failure:
                self.stop()
                raise RuntimeError("the process that reads files does not start") from failure
            self._control.settimeout(None)
            self._is_ready = True
            logger.info("%s", describe(ready["fences"]))

    def run(self, request: dict[str, Any], file: IO[bytes], deadline: float, output_max_bytes: int) -> ChildResult:
        """See `run_child`. Raises TimeoutError at the deadline, _ServerGone, ExtractionFailed."""
        reading, writing = os.pipe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with os.fdopen(reading, "rb", buffering=0) as output, ours:
            with os.fdopen(writing, "wb", buffering=0) as reply, theirs:
                self._send(request, [file.fileno(), reply.fileno(), theirs.fileno()])
            try:
                found = _read(output, deadline, output_max_bytes)
                ours.settimeout(max(0.001, deadline - time.monotonic()))
                return ChildResult(found, _status(ours))
            except (TimeoutError, ExtractionFailed):
                self._stop_child(ours)
                raise

    def _send(self, request: dict[str, Any], descriptors: list[int]) -> None:
        message = json.dumps(request).encode()
        attached = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        try:
            with self._sending:
                self._control.sendmsg([LENGTH.pack(len(message)) + message], [attached], socket.MSG_NOSIGNAL)
        except OSError as failure:
            raise _ServerGone from failure

    def _stop_child(self, status: socket.socket) -> None:
        """Have the server kill the child, and wait until it is gone; kill the server if it does not."""
        status.shutdown(socket.SHUT_WR)
        status.settimeout(_STOP_SECONDS)
        try:
            while status.recv(STATUS.size):
                pass
        except OSError:
            self.stop()

    def stop(self) -> None:
        """Kill the server and its children."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._control.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._control.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data


# The socket is to be descriptor 3 before anything is loaded; the module finds it there.
_START = f"""
import os, runpy, sys
control = int(sys.argv[2])
if control != {CONTROL}:
    os.dup2(control, {CONTROL})
    os.close(control)
runpy.run_module(sys.argv[1], run_name="__main__")
"""


def _read(output: IO[bytes], deadline: float, max_bytes: int) -> bytes:
    """Return all output. Raises TimeoutError at the deadline, ExtractionFailed beyond `max_bytes`."""
    parts: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not selector.select(remaining):
                raise TimeoutError
            part = os.read(output.fileno(), _READ_BYTES)
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise ExtractionFailed.because("too_much_text")


def _status(status: socket.socket) -> int:
    """Return how the child ended. Raises TimeoutError, _ServerGone."""
    try:
        found = status.recv(STATUS.size)
    except TimeoutError:
        raise
    except OSError as failure:
        raise _ServerGone from failure
    if len(found) < STATUS.size:
        raise _ServerGone
    return int(STATUS.unpack(found)[0])


def _forget_after_fork() -> None:
    """Close the inherited sockets to the parent's servers: a copy would keep them open when the parent dies."""
    for server in _servers.values():
        server._control.close()
    _servers.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
