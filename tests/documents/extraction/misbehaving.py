"""A child process whose reader does to itself what the file says."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import sys
import time
from pathlib import Path

from documents.extraction.child import Reader, main
from documents.extraction.content import Content
from documents.extraction.notes import Note


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
    elif deed == "fork":
        return Content([_outcome(os.fork)])
    elif deed == "write":
        return Content([_outcome(lambda: Path(argument).write_text("x" * 100_000))])
    elif deed == "connect":
        host, port = argument.split(":")
        return Content([_outcome(lambda: socket.create_connection((host, int(port)), 2))])
    elif deed == "limits":
        return Content([Path("/proc/self/status").read_text()])
    return Content([deed])


def _outcome(action: object) -> str:
    try:
        action()  # type: ignore[operator]
    except (OSError, ImportError) as error:
        return f"refused: {type(error).__name__}"
    return "allowed"


def _find_reader(_: str) -> Reader:
    return _do


if __name__ == "__main__":
    main(sys.argv[1:], _find_reader)
