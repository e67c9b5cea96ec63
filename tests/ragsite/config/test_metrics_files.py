"""Shared metrics: one folder per server, and no full disk ends a process that counts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragsite.config import metrics_files

# Counts until its file has to grow twice, on a disk that has room for `sys.argv[1]` bytes; prints what it counted.
COUNTING = """
import errno, os, pathlib, sys, tempfile
from ragsite.config import metrics_files
metrics_files.share(pathlib.Path(tempfile.mkdtemp()))
metrics_files.allocate_before_use()
allocate, room = metrics_files._allocate, int(sys.argv[1])
def limited(file, size):
    if size > room:
        raise OSError(errno.ENOSPC, "No space left on device")
    allocate(file, size)
metrics_files._allocate = limited
from prometheus_client import Counter, CollectorRegistry, generate_latest
counter = Counter("counted", "Help.", ["name"], registry=CollectorRegistry())
for number in range(2000):
    counter.labels("x" * 50 + str(number)).inc()
    counter.labels("x" * 50 + str(number)).inc()
assert all(counter.labels("x" * 50 + str(number))._value.get() == 2 for number in range(2000))
from prometheus_client import multiprocess
shared = CollectorRegistry()
multiprocess.MultiProcessCollector(shared)
print(sum(sample.value for metric in shared.collect() for sample in metric.samples if sample.name == "counted_total"))
folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
print(min((os.stat(os.path.join(folder, name)).st_blocks * 512 - os.stat(os.path.join(folder, name)).st_size
           for name in os.listdir(folder) if name.endswith(".db")), default=0))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(metrics_files, "MEMORY", tmp_path / "nowhere")
    monkeypatch.setenv(metrics_files.VARIABLE, "")  # so that it is as before when the test is over
    monkeypatch.delenv(metrics_files.VARIABLE)
    monkeypatch.setattr(metrics_files, "_held", [])
    yield tmp_path / "metrics"
    for lock in metrics_files._held:
        lock.close()


def run(room_bytes: int) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if name != metrics_files.VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(room_bytes)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.split()


def test_every_byte_is_allocated_before_it_is_mapped() -> None:
    counted, difference = run(2**30)
    assert float(counted) == 4000
    assert int(difference) >= 0, "a sparse file: writing to it on a full disk is SIGBUS"


def test_a_process_goes_on_counting_when_its_file_cannot_grow() -> None:
    counted, _ = run(2**17)
    assert 0 < float(counted) < 4000  # what was counted before is shared


def test_and_when_there_is_no_room_for_a_file_at_all() -> None:
    assert run(0)[0] == "0"


def test_each_server_has_a_folder_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = metrics_files.share(folder.parent)
    (first / "counter_1.db").touch()
    assert metrics_files.share(folder.parent) == first, "one that is named is used as it is"
    monkeypatch.delenv(metrics_files.VARIABLE)
    second = metrics_files.share(folder.parent)
    assert first.parent == second.parent == folder
    assert second != first
    assert (first / "counter_1.db").exists(), "the second server wiped the first one's metrics"
    assert first.stat().st_mode & 0o077 == 0


def test_folders_of_servers_that_are_gone_are_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = metrics_files.share(folder.parent)
    monkeypatch.delenv(metrics_files.VARIABLE)
    metrics_files._held.pop().close()  # as the kernel does for a process that was killed
    second = metrics_files.share(folder.parent)
    assert not first.exists()
    assert second.exists()


def test_a_folder_that_an_operator_names_is_made_and_never_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics_files.VARIABLE, str(tmp_path / "own"))
    assert metrics_files.share(tmp_path) == tmp_path / "own"
    (tmp_path / "own" / "counter_1.db").touch()
    metrics_files.share(tmp_path)
    assert (tmp_path / "own" / "counter_1.db").exists()


def test_memory_is_preferred_to_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(metrics_files, "MEMORY", memory)
    assert metrics_files.share(folder.parent).parent == memory
    monkeypatch.delenv(metrics_files.VARIABLE)
    monkeypatch.setattr(metrics_files, "ENOUGH_BYTES", 2**62)
    assert metrics_files.share(folder.parent).parent == folder
