"""Recommends Postgres settings for this machine: many short searches, and an index build now and then."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring.tuning.machine_resources import Resources

MB, GB = 1024**2, 1024**3
UNITS = {"": 1, "B": 1, "kB": 1024, "MB": MB, "GB": GB, "TB": 1024**4}
SIZE = re.compile(r"(-?\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)?")
SUPERUSER_CONNECTIONS = 3


@dataclass(frozen=True)
class Advice:
    """Recommended value of one setting, and why."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True)
class Setting:
    """Current value of one setting. `needs_restart`: a change takes effect after the next start."""

    value: str
    needs_restart: bool


@dataclass(frozen=True)
class Change:
    """Current and recommended value of a setting."""

    name: str
    current: str
    recommended: str
    reason: str
    needs_restart: bool

    @property
    def differs(self) -> bool:
        """Return whether there is anything to change: 1GB is 1024MB."""
        return as_number(self.current) != as_number(self.recommended)


def advise(resources: Resources, *, connections_needed: int, is_shared: bool) -> tuple[Advice, ...]:
    """Return the advice. `is_shared`: ragsite, and maybe a model, runs on the same machine.

    Nothing here trades safety for speed: fsync, full_page_writes and synchronous_commit stay as they are.
    """
    memory, cores = resources.memory_bytes, resources.cores
    connections = max(100, -(-(connections_needed + SUPERUSER_CONNECTIONS) // 10) * 10)
    cache_share = 0.5 if is_shared else 0.75
    beside = max(1, min(4, cores // 2))
    return (
        Advice("shared_buffers", _size(memory / 4, 128 * MB, 16 * GB), "a quarter of the memory"),
        Advice(
            "effective_cache_size",
            _size(memory * cache_share, 256 * MB),
            f"{cache_share:.0%} of the memory: what the system caches of files"
            + (", beside ragsite and models" if is_shared else ""),
        ),
        Advice(
            "work_mem",
            _size(memory / 8 / connections, 4 * MB, 64 * MB),
            "an eighth of the memory, if every connection sorts at once",
        ),
        Advice("maintenance_work_mem", _size(memory / 16, 64 * MB, 2 * GB), "vector indexes are built in it"),
        Advice("max_connections", str(connections), f"ragsite may need {connections_needed}; more cost memory unused"),
        Advice("random_page_cost", "1.1", "SSDs read anywhere as fast as in order"),
        Advice("effective_io_concurrency", "200", "SSDs read many pages at once"),
        Advice("max_worker_processes", str(max(8, cores)), "one per core, and some for Postgres' own"),
        Advice("max_parallel_workers", str(cores), "one per core"),
        Advice("max_parallel_workers_per_gather", str(beside), "half of the cores: others ask at the same time"),
        Advice("max_parallel_maintenance_workers", str(beside), "half of the cores build an index"),
        Advice("max_wal_size", _size(memory / 4, 1 * GB, 8 * GB), "fewer checkpoints while much is indexed"),
        Advice("checkpoint_completion_target", "0.9", "checkpoints spread their writes"),
        Advice("jit", "off", "compiling a short query takes longer than running it"),
    )


def compare(advice: Sequence[Advice], current: Mapping[str, Setting]) -> list[Change]:
    """Return each setting that this server has, as it is and as it should be; it keeps more connections than needed."""
    changes = []
    for each in advice:
        now = current.get(each.name)
        if now is None:
            continue
        keeps = each.name == "max_connections" and int(now.value) > int(each.value)
        value = now.value if keeps else each.value
        changes.append(Change(each.name, now.value, value, each.reason, now.needs_restart))
    return changes


def as_number(value: str) -> float | str:
    """Return a size in bytes, a number as it is, and a word as it is."""
    found = SIZE.fullmatch(value.strip())
    return float(found[1]) * UNITS[found[2] or ""] if found else value


def _size(size_bytes: float, least: int, most: int | None = None) -> str:
    wanted = max(least, size_bytes) if most is None else max(least, min(most, size_bytes))
    return f"{int(wanted) // MB}MB"
