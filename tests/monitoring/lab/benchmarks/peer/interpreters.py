"""Programs that the option `--peer` may be given."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from monitoring.lab.benchmarks.peer.packages import PACKAGES


def program(folder: Path, *lines: str) -> str:
    """Return the path of a shell script."""
    path = folder / "interpreter"
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


def telling(folder: Path, *, without: tuple[str, ...] = ()) -> str:
    """Return the path of an interpreter that says it has the peer's packages."""
    packages = {name: None if name in without else version for name, version in PACKAGES.items()}
    return program(folder, f"echo '{json.dumps({'python': '3.11.7', 'packages': packages})}'")


def running_the_fake(folder: Path) -> str:
    """Return the path of an interpreter that runs a fake peer, whatever module it is told to run."""
    fake = shutil.copy(Path(__file__).with_name("fake_peer.py"), folder)
    return program(folder, f'exec "{sys.executable}" "{fake}" "$@"')
