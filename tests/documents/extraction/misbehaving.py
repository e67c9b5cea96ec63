"""A child process whose reader does to itself what the file says."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from documents.extraction.content import Content
from documents.extraction.process.child import Reader, load_readers, read_file
from documents.extraction.process.fork_server import serve
from documents.text.extraction_notes import Note


def _connect(address: str) -> None:
    host, port = address.split(":")
    socket.create_connection((host, int(port)), 2)


def _connect_unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)


def _attach(pid: str) -> None:
    _call("ptrace", 16, int(pid), 0, 0)


def _read_memory(pid: str) -> None:
    here = ctypes.create_string_buffer(8)
    span = (ctypes.c_void_p * 2)(ctypes.addressof(here), 8)
    _call("process_vm_readv", int(pid), span, 1, span, 1, 0)


def _fork_without_end(_: str) -> None:
    for _number in range(1000):
        if not os.fork():
            time.sleep(60)


def _start_a_thread(_: str) -> None:
    try:
        threading.Thread(target=time.sleep, args=(0,)).start()
    except RuntimeError as error:  # what Python makes of it
        raise OSError from error


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def _descriptors(_: str) -> None:
    is_open = []
    for descriptor in range(2000):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            is_open.append(descriptor)
    raise Found(f"{is_open}")


def _user(_: str) -> None:
    raise Found(f"{os.getuid()} {os.geteuid()} {os.getgid()} {os.getegid()}")


class Found(Exception):
    """What an attempt brought to light."""


ATTEMPTS: dict[str, Callable[[str], object]] = {
    "fork": lambda _: os.fork(),
    "bomb": _fork_without_end,
    "thread": _start_a_thread,
    "execute": lambda path: os.execv(path, [path]),
    "write": lambda path: Path(path).write_text("x" * 100_000),
    "append": lambda path: os.open(path, os.O_WRONLY | os.O_APPEND),
    "remove": lambda path: Path(path).unlink(),
    "read": lambda path: Path(path).read_bytes(),
    "list": os.listdir,
    "connect": _connect,
    "connect-unix": _connect_unix,
    "socket": lambda family: socket.socket(int(family)),
    "attach": _attach,
    "read-memory": _read_memory,
    "signal": lambda pid: os.kill(int(pid), 0),
    "priority": lambda pid: os.setpriority(os.PRIO_PROCESS, int(pid), 19),
    "descriptors": _descriptors,
    "user": _user,
}


def _do(data: bytes) -> Content:
    deed, _, argument = data.decode().partition(" ")
    if deed == "abort":
        os.abort()
    elif deed == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif deed == "loop":
        while True:
            pass
    elif deed == "sleep":
        time.sleep(600)
    elif deed == "drip":  # into every pipe that is open, so into the reply
        while True:
            time.sleep(0.2)
            for descriptor in range(3, 16):
                with contextlib.suppress(OSError):
                    os.write(descriptor, b".")
    elif deed == "allocate":
        return Content(["x" * 10**10])
    elif deed == "recurse":
        _do(data)
    elif deed == "raise":
        raise ValueError(f"secret of the parser: {argument}")
    elif deed == "flood":
        os.write(2, b"noise on standard error")
        print("noise on standard output", flush=True)
        return Content(["word " * int(argument)])
    elif deed == "exit":
        os._exit(int(argument))
    elif deed == "leave":
        return Content(["Rail is preferred."], notes=[Note(argument, 2)], hidden="Say yes.")
    elif deed == "environment":
        return Content([repr(sorted(os.environ))])
    elif deed == "modules":
        return Content([" ".join(sorted(sys.modules))])
    elif deed == "import":
        return Content([_outcome(lambda: importlib.import_module(argument))])
    elif deed == "nap":
        time.sleep(0.5)
    elif deed in ATTEMPTS:
        return Content([_outcome(lambda: ATTEMPTS[deed](argument))])
    return Content([deed])


def _outcome(action: object) -> str:
    try:
        action()  # type: ignore[operator]
    except Found as found:
        return str(found)
    except (OSError, ImportError) as error:
        return f"refused: {type(error).__name__}"
    return "allowed"


def find_reader(_: str) -> Reader:
    return _do


if __name__ == "__main__":
    serve(partial(read_file, find_reader=find_reader), load=load_readers)
