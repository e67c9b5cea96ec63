"""Forks a child for each file from a process that has loaded all readers, which takes half a second.

Its parent, a worker, sends requests over a socket (descriptor 3), each with three descriptors: the file, a pipe for the
text, and a socket for the child's exit status, which the parent closes to have the child killed. When the parent dies,
its sockets close, and this process and its children end. No file is opened or read in this process itself.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from documents.extraction.process import fences, seccomp
from documents.extraction.process import limits as process_limits

CONTROL = 3  # the descriptor of the socket to the parent
LENGTH = struct.Struct("!I")  # of a message in bytes, before it
STATUS = struct.Struct("!i")  # how a child ended, as in Popen.returncode: below 0 is a signal
IDLE_SECONDS = 120  # all readers take 40 MB; to load them takes half a second
DESCRIPTORS = 3  # that come with each request
_DESCRIPTORS_MAX = 1024  # of this process: a child closes all that it doesn't need
_FILE, _REPLY, _FIRST_FREE = 0, 3, 4  # what a child's descriptors are; 1 and 2 lead nowhere


class ReadFile(Protocol):
    """A function that reads one file, and ends the process."""

    def __call__(self, request: dict[str, Any], *, file: int, reply: int, parent_pid: int) -> None:
        """Read from the descriptor `file`, write to the descriptor `reply`."""


def serve(
    read_file: ReadFile,
    *,
    load: Callable[[], None],
    needs_numpy: bool = False,
    also_readable: Sequence[Path] = (),
    idle_seconds: float = IDLE_SECONDS,
) -> None:
    """Load the readers, put up the fences, report them, and serve requests until the parent is gone or idle.

    Readers are loaded first, because some libraries read system files when they are loaded. Children may read the files
    below `also_readable`, besides code.
    """
    if not needs_numpy:
        # Some libraries load numpy if they find it, for nothing: 80 ms, and threads that this process must not start.
        cast(dict[str, Any], sys.modules)["numpy"] = None
    most = min(_DESCRIPTORS_MAX, resource.getrlimit(resource.RLIMIT_NOFILE)[1] % (1 << 32))  # infinity is -1
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    control = socket.socket(fileno=CONTROL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    load()
    process_limits.note_address_space()
    standing = fences.put_up(also_readable)
    if seccomp.is_possible():
        seccomp.compiled()
        standing.append("system calls")
    gc.collect()
    gc.freeze()  # or the first collection in each child would copy all that is loaded
    ready = json.dumps({"fences": standing}).encode()
    try:
        control.sendall(LENGTH.pack(len(ready)) + ready)
    except OSError:
        os._exit(0)  # the parent is gone already
    os.dup2(nowhere, 2)  # up to here, what went wrong could be said on the parent's standard error
    _Server(control, nowhere, read_file, idle_seconds).run()


class _Server:
    """Forks children on request, and reports their exit statuses."""

    def __init__(self, control: socket.socket, nowhere: int, read_file: ReadFile, idle_seconds: float) -> None:
        self._control = control
        self._nowhere = nowhere
        self._read_file = read_file
        self._idle_seconds = idle_seconds
        self._statuses: dict[int, socket.socket] = {}
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve until the parent is gone, or idle for `idle_seconds`; it starts another server when it needs one."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while True:
            happened = poll.poll(1000 * self._idle_seconds)
            if not happened and not self._statuses:
                self._end()
            for descriptor, _ in happened:
                if descriptor == self._woken:
                    self._reap(poll)
                elif descriptor == self._control.fileno():
                    self._begin(poll)
                else:
                    self._stop(descriptor, poll)

    def _begin(self, poll: select.poll) -> None:
        head, descriptors, _, _ = socket.recv_fds(self._control, LENGTH.size, DESCRIPTORS)
        if len(head) < LENGTH.size or len(descriptors) < DESCRIPTORS:
            self._end()
        request = json.loads(_exactly(self._control, LENGTH.unpack(head)[0]))
        file, reply, status = descriptors
        parent_pid = os.getpid()
        pid = os.fork()
        if not pid:
            self._become_child(file, reply)
            self._read_file(request, file=_FILE, reply=_REPLY, parent_pid=parent_pid)
            os._exit(1)  # it ended the process itself
        os.close(file)
        os.close(reply)
        self._statuses[pid] = socket.socket(fileno=status)
        poll.register(status, select.POLLIN)

    def _become_child(self, file: int, reply: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        file, reply = os.dup(file), os.dup(reply)  # neither is where the other is to be
        for source, target in ((file, _FILE), (self._nowhere, 1), (self._nowhere, 2), (reply, _REPLY)):
            os.dup2(source, target)
        os.closerange(_FIRST_FREE, _DESCRIPTORS_MAX)

    def _stop(self, descriptor: int, poll: select.poll) -> None:
        """Kill the child whose status socket the parent closed."""
        for pid, status in self._statuses.items():
            if status.fileno() == descriptor:
                poll.unregister(descriptor)
                _kill(pid)
                return

    def _reap(self, poll: select.poll) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._woken, 4096):
                pass
        while True:
            try:
                pid, how = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)  # what it may have started, where it could
            with self._statuses.pop(pid) as status:
                try:
                    poll.unregister(status)
                except KeyError:
                    continue  # it was stopped: nobody waits
                try:
                    status.send(STATUS.pack(os.waitstatus_to_exitcode(how)), socket.MSG_NOSIGNAL)
                except OSError:
                    continue

    def _end(self) -> None:
        for pid in self._statuses:
            _kill(pid)
        os._exit(0)


def _exactly(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = control.recv(size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data


def _kill(pid: int) -> None:
    """Kill a child and its session."""
    for end in (os.killpg, os.kill):  # it may not lead a session yet
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)
