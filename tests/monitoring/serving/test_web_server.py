"""A web server of many threads doesn't hold what each of them has given back."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring.lab.testbed.serving import ServerProcess
from monitoring.serving import supervisor, web_server

# Prints how many bytes the C library counts as used once a hundred threads, all still there, have freed what they had.
THREADS = """
import ctypes, threading

class Used(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ord smb hblks hblkhd usm fsm uordblks ford keep".split()]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Used

def work():
    for size in range(520, 1000, 16):
        blocks = [bytes(size) for _ in range(7)]
    del blocks
    freed.wait()
    leaving.wait()

before, freed, leaving = mallinfo2().uordblks, threading.Barrier(101), threading.Event()
for _ in range(100):
    threading.Thread(target=work).start()
freed.wait()
print(mallinfo2().uordblks - before)
leaving.set()
"""


def held_bytes(environment: dict[str, str]) -> int:
    done = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="this C library isn't glibc 2.33 or newer")
def test_threads_hold_nothing_that_they_have_freed() -> None:
    usual = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    assert held_bytes(web_server.environment(usual)) < held_bytes(usual) / 4


def test_what_an_operator_has_chosen_stays() -> None:
    given = {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2", "RAGSITE_START_CHECKED": "false", "A": "b"}
    assert web_server.environment(given) == given


def test_whoever_starts_it_starts_it_so(tmp_path: Path) -> None:
    web = supervisor.web_child()
    assert web.own_environment({"A": "b"}) == web_server.environment({"A": "b"})
    measured = ServerProcess(tmp_path, {})
    assert measured.command() == web.command
    assert measured.environment()["GLIBC_TUNABLES"] == web_server.TUNABLES
