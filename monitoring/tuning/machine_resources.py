"""Memory and cores of this machine, or the part of them that a container may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")


@dataclass(frozen=True)
class Resources:
    """Memory and cores to plan with."""

    memory_bytes: int
    cores: int


def machine_resources(root: Path = ROOT) -> Resources:
    """Return memory and cores, no more than the control groups of this process allow (version 1 or 2)."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limits = [int(text) for text in _limits(root, name) if text.isdigit()]  # "max": none
        memory_bytes = min([memory_bytes, *limits])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Resources(memory_bytes, max(1, min([cores, *_core_limits(root)])))


def _core_limits(root: Path) -> Iterator[int]:
    for text in _limits(root, "cpu.max"):
        quota, _, period = text.partition(" ")
        if quota.isdigit() and period.isdigit():
            yield math.ceil(int(quota) / int(period))
    for quota, period in zip(
        _limits(root, "cpu/cpu.cfs_quota_us"), _limits(root, "cpu/cpu.cfs_period_us"), strict=False
    ):
        if quota.isdigit() and period.isdigit():  # -1: none
            yield math.ceil(int(quota) / int(period))


def _limits(root: Path, name: str) -> Iterator[str]:
    """Yield what the files of that name say, from this process' own group up to the top.

    A name with a folder is one of version 1, where each kind of limit has a tree of its own.
    """
    kind, _, file = name.rpartition("/")
    top = root / "sys/fs/cgroup" / kind
    folder = _own_group(root, kind)
    while True:
        with suppress(OSError):  # a container sees its own group as the top
            yield (top / folder.strip("/") / file).read_text().strip()
        if folder in ("", "/"):
            return
        folder = folder.rpartition("/")[0]


def _own_group(root: Path, kind: str) -> str:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        _, kinds, folder = line.split(":", 2)
        if kind in kinds.split(","):  # version 2 has no kinds: an empty word
            return folder
    return ""
