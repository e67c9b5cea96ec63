"""Registry of drills by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitoring.lab.drills.scenarios import bad_settings, disks, model_faults, outages, slow, stores, traffic, trees
from monitoring.lab.testbed.invariants import Invariant
from monitoring.lab.testbed.stage import Stage


class Scenario(Protocol):
    """Breaks something under load, and yields what it found as it goes."""

    def __call__(self, stage: Stage, *, full: bool) -> Iterator[Invariant]:
        """Run the drill, and return its findings."""
        ...


SCENARIOS: dict[str, Scenario] = {
    "outage": outages.outage,
    "ollama-down": outages.ollama_down,
    "ollama-hang": outages.ollama_hang,
    "ollama-slow": model_faults.ollama_slow,
    "ollama-5xx": model_faults.ollama_5xx,
    "ollama-garbage": model_faults.ollama_garbage,
    "endless-model": model_faults.endless_model,
    "ollama-busy": model_faults.ollama_busy,
    "ollama-midstream-cut": model_faults.ollama_midstream_cut,
    "one-of-three-hosts": model_faults.one_of_three_hosts,
    "redis-down": stores.redis_down,
    "redis-frozen": stores.redis_frozen,
    "postgres-restart": stores.postgres_restart,
    "embedded-postgres-killed": trees.embedded_postgres_killed,
    "disk-full": disks.disk_full,
    "pool-exhausted": stores.pool_exhausted,
    "bad-settings": bad_settings.bad_settings,
    "overload-5x": traffic.overload,
    "slow-clients": slow.slow_clients,
    "clients-hang-up": traffic.clients_leave,
    "many-streams": traffic.many_streams,
    "rolling-restart": traffic.rolling_restart,
}
ALL, FIGURES = "all", "figures"
# Those whose full form takes the figures that the documentation promises.
WITH_FIGURES = ("ollama-down", "ollama-hang", "ollama-5xx", "clients-hang-up", "many-streams", "overload-5x")
NAMES = (*SCENARIOS, ALL, FIGURES)


@dataclass(frozen=True)
class Outcome:
    """What a drill found. Skipped: why it could not be run here."""

    name: str
    invariants: Sequence[Invariant]
    seconds: float
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Return whether everything held."""
        return all(invariant.passed for invariant in self.invariants)


def chosen(names: Sequence[str]) -> list[str]:
    """Return the drills that these names stand for, each once, in their order."""
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys(SCENARIOS if name == ALL else WITH_FIGURES if name == FIGURES else [name])
    return list(found)


def help_of(name: str) -> str:
    """Return in a sentence what a drill does."""
    return (SCENARIOS[name].__doc__ or "").strip()
