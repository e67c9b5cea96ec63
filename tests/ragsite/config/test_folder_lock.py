"""Two servers can't use one folder, and a server that is gone is in nobody's way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragsite.config import folder_lock
from ragsite.config.folder_lock import FolderInUse

HOLD = "import sys; from pathlib import Path; from ragsite.config import folder_lock; \
kept = folder_lock.hold(Path(sys.argv[1]), port=8123); print('held', flush=True); sys.stdin.read()"


def test_the_second_is_told_who_holds_it_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(FolderInUse) as refused:
        folder_lock.hold(folder, port=8000)
    told = str(refused.value)
    assert f"process {other.pid} on " in told
    assert ", at port 8123. " in told
    assert str(folder) in told
    assert " UTC" in told
    other.kill()
    other.communicate()
    with folder_lock.hold(folder, port=8000), pytest.raises(FolderInUse, match=f"process {os.getpid()} "):
        folder_lock.hold(folder, port=8000)


def test_one_that_has_not_said_who_it_is_yet(tmp_path: Path) -> None:
    with folder_lock.hold(tmp_path, port=8000):
        (tmp_path / folder_lock.NAME).write_text("")
        with pytest.raises(FolderInUse, match="a process that has just started"):
            folder_lock.hold(tmp_path, port=8000)
