"""Measures CPU time and memory of processes during a benchmark."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

import psutil

CHILD = ": child"  # ends the name of a process below the head of its group
SAMPLE_SECONDS = 1.0


@dataclass(frozen=True)
class Usage:
    """What one process used: CPU seconds while it was watched, and memory at its most."""

    process: str  # e.g. "gunicorn worker"
    pid: int
    cpu_seconds: float
    private_bytes: int  # USS: what would be free if this process ended
    resident_bytes: int  # RSS: with what it shares

    def as_dict(self) -> dict[str, Any]:
        """Return it for the JSON file."""
        return asdict(self)


class UsageMeter:
    """Watches processes and all their descendants, also those that begin meanwhile, until the `with` block ends.

    `pids`: the name of each group and the process at its head.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._heads = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._seen: dict[psutil.Process, _Seen] = {}
        self._told: list[Usage] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="usage-meter", daemon=True)

    def __enter__(self) -> Self:
        self._look(first=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def note(self, usage: Usage) -> None:
        """Add what a process tells of itself: the load generator has ended before anybody could look."""
        self._told.append(usage)

    @property
    def usages(self) -> list[Usage]:
        """Return what each process used, the busiest first."""
        found = [
            Usage(seen.name, process.pid, seen.cpu_seconds - seen.cpu_before, seen.private_bytes, seen.resident_bytes)
            for process, seen in self._seen.items()
        ]
        return sorted([*found, *self._told], key=lambda usage: -usage.cpu_seconds)

    def cpu_seconds(self, name: str) -> float:
        """Return the CPU seconds of a group."""
        return sum(usage.cpu_seconds for usage in self._group(name))

    def private_bytes(self, name: str) -> list[int]:
        """Return the private memory of each process of a group at its most, the largest first."""
        return sorted((usage.private_bytes for usage in self._group(name)), reverse=True)

    def _group(self, name: str) -> list[Usage]:
        return [usage for usage in self.usages if usage.process in {name, name + CHILD}]

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self, *, first: bool = False) -> None:
        for name, head in self._heads.items():
            for process in _tree(head):
                self._note(name if process == head else name + CHILD, process, first)

    def _note(self, name: str, process: psutil.Process, first: bool) -> None:
        try:
            times, memory = process.cpu_times(), process.memory_info()
            private = process.memory_full_info().uss
        except psutil.AccessDenied:
            private = 0  # a worker hides its memory from all users but root
        except psutil.Error:
            return  # it has ended, and what it used until the last look is known
        cpu = float(times.user + times.system)
        seen = self._seen.setdefault(process, _Seen(name, cpu if first else 0.0))
        seen.cpu_seconds = cpu
        seen.private_bytes = max(seen.private_bytes, int(private))
        seen.resident_bytes = max(seen.resident_bytes, int(memory.rss))


@dataclass
class _Seen:
    name: str
    cpu_before: float
    cpu_seconds: float = 0.0
    private_bytes: int = 0
    resident_bytes: int = 0


def _tree(head: psutil.Process) -> list[psutil.Process]:
    try:
        return [head, *head.children(recursive=True)]
    except psutil.Error:
        return []
