"""`manage.py drill`, for real: its own Postgres, gunicorn and model server; and nothing left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ragsite.paths import PROJECT


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "drill", *arguments],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(folder), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores SIGINT, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def left_behind(folder: Path) -> list[str]:
    """Return what is still there of a drill: processes that were started for this folder, and files."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join([*process.cmdline(), *process.environ().values()]):
                found.append(" ".join(process.cmdline()))
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found + [path.name for path in folder.glob("ragsite-drill-*")]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_drill_measures_the_real_server_and_leaves_nothing_behind(tmp_path: Path) -> None:
    drill = start(tmp_path, "ollama-busy", "--json")
    output, told = drill.communicate(timeout=200)
    (report,) = json.loads(output)["drills"]
    assert report["name"] == "ollama-busy"
    assert report["passed"], [each for each in report["invariants"] if not each["passed"]]
    figures = {each["name"]: each["figure"] for each in report["invariants"]}
    assert figures["requests made"] == 72
    assert figures["circuits opened"] == 0
    assert told.count("PASS") == len(report["invariants"]) + 1
    assert drill.returncode == 0
    assert left_behind(tmp_path) == []


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_stopped_cleans_up_too(tmp_path: Path, number: signal.Signals) -> None:
    drill = start(tmp_path, "ollama-busy")
    give_up_at = time.monotonic() + 100
    while not any("gunicorn" in line for line in left_behind(tmp_path)):
        assert time.monotonic() < give_up_at, "the server was never started"
        time.sleep(0.2)
    drill.send_signal(number)
    drill.communicate(timeout=60)
    assert drill.returncode != 0
    assert left_behind(tmp_path) == []
