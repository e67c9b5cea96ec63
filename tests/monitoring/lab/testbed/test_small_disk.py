"""A small disk that a drill can fill, and that is gone afterwards."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from monitoring.lab.testbed import small_disk


def test_it_is_filled_to_the_last_byte_and_cleared(tmp_path: Path) -> None:
    if reason := small_disk.why_not():
        pytest.skip(reason)
    try:
        mounted = small_disk.small_disk(tmp_path / "small", 4)
        disk = mounted.__enter__()
    except OSError as error:
        pytest.skip(f"a disk can't be mounted here: {error}")
    with_file = disk.folder / "file"
    disk.leave(1_000_000)
    assert abs(disk.free_bytes - 1_000_000) < 8192
    disk.leave(0)
    with pytest.raises(OSError) as refused, with_file.open("wb") as file:
        file.write(b"x" * 100_000)
        file.flush()
    assert refused.value.errno == errno.ENOSPC
    disk.clear()
    with_file.write_bytes(b"x" * 100_000)
    mounted.__exit__(None, None, None)
    assert not (tmp_path / "small").exists()


def test_who_may_not_mount_is_told_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo" in small_disk.why_not()
