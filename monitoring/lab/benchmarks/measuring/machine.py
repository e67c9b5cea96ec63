"""Describes the machine of a benchmark, and the versions of all software that took part."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.conf import settings

PACKAGES = ("Django", "djangorestframework", "gunicorn", "psycopg", "requests")


def machine() -> dict[str, Any]:
    """Return processor, cores, memory and system."""
    return {
        "cpu": _cpu_model(),
        "cores": psutil.cpu_count(logical=True),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
        "load_average": [round(load, 2) for load in psutil.getloadavg()],  # before: somebody else's work
    }


def is_busy(found: Mapping[str, Any]) -> bool:
    """Return whether others kept a quarter of the machine busy in the minute before."""
    return bool(found["load_average"][0] > 0.25 * (found["cores"] or 1))


def versions() -> dict[str, Any]:
    """Return the versions of Python, of the packages that matter, and of ragsite itself where git knows it."""
    return {
        "python": platform.python_version(),
        **{name.lower(): found for name, found in _packages(PACKAGES)},
        "ragsite": _commit(Path(settings.BASE_DIR)),
    }


def database_versions(url: str) -> dict[str, Any]:
    """Return the versions of Postgres and pgvector at `url`."""
    with psycopg.connect(url) as connection:
        postgres = connection.execute("SHOW server_version").fetchone()
        vector = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    return {"postgres": postgres[0] if postgres else None, "pgvector": vector[0] if vector else None}


def _packages(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, metadata.version(name)) for name in names]


def _cpu_model() -> str:
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit(folder: Path) -> str | None:
    """Return the commit, with `+` when files differ from it; None without git or a repository."""
    git = shutil.which("git")
    if git is None or not (folder / ".git").exists():
        return None

    def said(*arguments: str) -> str | None:
        done = subprocess.run(  # noqa: S603 - git, with constant arguments
            [git, "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    commit = said("rev-parse", "--short=12", "HEAD")
    return f"{commit}+" if commit and said("status", "--porcelain") else commit
