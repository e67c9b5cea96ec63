"""One process with all readers loaded, and a child of it for each file."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from documents.extraction import Extracted, ExtractionFailed
from documents.extraction.process import runner as process_runner
from ragsite.paths import PROJECT
from tests.documents.extraction.reading import MISBEHAVING, fork_servers, read_in_child, running_children

IMPATIENT = "tests.documents.extraction.impatient"


def test_files_are_read_by_children_of_one_process() -> None:
    read_in_child(b"first", child=MISBEHAVING)
    [server] = [each for each in fork_servers() if MISBEHAVING in each.cmdline()]
    with ThreadPoolExecutor(4) as executor:
        texts = [found.text for found in executor.map(read_one, (f"file{number}" for number in range(20)))]

    assert texts == [f"file{number}" for number in range(20)]
    assert [each.pid for each in fork_servers() if MISBEHAVING in each.cmdline()] == [server.pid]
    assert running_children() == []


def test_the_process_ends_when_it_has_nothing_to_read_and_another_one_is_started_then() -> None:
    assert read_in_child(b"first", child=IMPATIENT).text == "first"
    first = process_runner._servers[IMPATIENT]
    wait_until(lambda: not first.is_running)

    assert read_in_child(b"second", child=IMPATIENT).text == "second"


def read_one(deed: str) -> Extracted:
    return read_in_child(deed.encode(), child=MISBEHAVING)


def test_a_file_that_ends_its_reader_leaves_the_others_alone() -> None:
    with ThreadPoolExecutor(2) as executor:
        nap = executor.submit(read_one, "nap")
        for deed in ("abort", "segfault", "exit 3"):
            with pytest.raises(ExtractionFailed):
                read_one(deed)
        assert nap.result().text == "nap"


@pytest.mark.parametrize("moment", ["before", "while it reads"])
def test_when_the_process_is_killed_the_file_is_read_all_the_same(moment: str) -> None:
    read_one("first")
    [server] = [each for each in fork_servers() if MISBEHAVING in each.cmdline()]
    if moment == "before":
        server.kill()
        assert read_one("nap").text == "nap"
    else:
        with ThreadPoolExecutor(1) as executor:
            nap = executor.submit(read_one, "nap")
            wait_until(lambda: bool(running_children()))
            server.kill()
            assert nap.result().text == "nap"
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_a_file_over_which_it_dies_twice_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    read_one("first")
    stopped = threading.Event()

    def kill_them_all() -> None:
        while not stopped.wait(0.01):
            for child in running_children():
                child.parent().kill()

    killer = threading.Thread(target=kill_them_all)
    killer.start()
    try:
        with pytest.raises(ExtractionFailed) as refused:
            read_one("sleep")
    finally:
        stopped.set()
        killer.join()
    assert refused.value.code == "broken"
    assert read_one("after").text == "after"


def test_nothing_is_left_when_the_worker_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("sleep")
    program = (
        "import os, sys; sys.path.insert(0, '.'); os.environ['DJANGO_SETTINGS_MODULE'] = 'ragsite.settings';"
        "import django; django.setup(); from pathlib import Path; from documents.extraction import extract;"
        f"extract(Path({str(file)!r}), name='file', child={MISBEHAVING!r})"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT)
    try:
        head = psutil.Process(worker.pid)
        wait_until(lambda: len(head.children(recursive=True)) == 2)
        family = head.children(recursive=True)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive


def test_the_readers_are_loaded_once_for_all_files() -> None:
    modules = read_in_child(b"modules", child=MISBEHAVING).text.split()

    assert {"pypdfium2", "pptx", "lxml", "puremagic"} <= set(modules)


def test_a_process_that_does_not_start_is_reported() -> None:
    with pytest.raises(RuntimeError, match="does not start"):
        process_runner._server("tests.no_such_module")


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
