"""CPU and memory of processes, those below them included."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from monitoring.lab.benchmarks.measuring.process_usage import UsageMeter

WORK = """
import time
until = time.process_time() + 0.3
while time.process_time() < until: pass
print('done', flush=True)
"""
PARENT = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {WORK + 'time.sleep(30)'!r}])\n"


def test_what_the_children_of_a_process_use_is_its_groups() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent,
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as idle,
    ):
        try:
            with UsageMeter({"busy": parent.pid, "idle": idle.pid}) as meter:
                assert parent.stdout is not None
                assert parent.stdout.readline() == "done\n"
            assert meter.cpu_seconds("busy") > 0.25
            # Both have started an interpreter, of which a slow machine makes more than the work.
            assert meter.cpu_seconds("idle") < meter.cpu_seconds("busy") - 0.25
            assert len(meter.private_bytes("busy")) == 2
            assert min(meter.private_bytes("busy")) > 1_000_000
            assert meter.usages[0].process == "busy: child"
            assert all(usage.resident_bytes >= usage.private_bytes for usage in meter.usages)
        finally:
            for name in ("busy", "idle"):
                for usage in meter.usages:
                    if usage.process.startswith(name):
                        _kill(usage.pid)


def test_a_process_that_ends_meanwhile_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as short:
        with UsageMeter({"short": short.pid}) as meter:
            short.wait()
            time.sleep(0.05)
        assert meter.cpu_seconds("short") >= 0


def test_a_group_without_processes_has_used_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as process:
        with UsageMeter({"one": process.pid}) as meter:
            pass
        process.kill()
    assert meter.cpu_seconds("another") == 0
    assert meter.private_bytes("another") == []


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
