"""Mounts a disk of a few hundred megabytes in memory, which a drill can fill."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEAST_BYTES = 4096


class SmallDisk:
    """A folder with a file system of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def leave(self, count: int) -> None:
        """Fill it until so many bytes are free; 0: until nothing more can be written."""
        taken = self._ballast.stat().st_size if self._ballast.exists() else 0
        more = shutil.disk_usage(self.folder).free - count
        with self._ballast.open("ab") as file:
            if more > 0:
                os.posix_fallocate(file.fileno(), taken, more)

    def clear(self) -> None:
        """Take away what it was filled with."""
        self._ballast.unlink()

    @property
    def free_bytes(self) -> int:
        """Return how much can still be written."""
        return shutil.disk_usage(self.folder).free


def why_not() -> str:
    """Return why there can be no such disk here; empty: there can."""
    if sys.platform != "linux" or not shutil.which("mount"):
        return "only Linux can mount a small disk in memory"
    if os.geteuid() != 0:
        return "mounting a small disk needs root: run the drill with sudo, or in a container with --cap-add SYS_ADMIN"
    return ""


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount one at a new folder. Raises OSError where that is not allowed."""
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder))
    try:
        yield SmallDisk(folder)
    finally:
        _run("umount", "-l", str(folder))
        folder.rmdir()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")
