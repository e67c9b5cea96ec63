"""Runs scenarios one after the other, each with a bench of its own, and collects the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import monitoring.lab.benchmarks.scenarios  # noqa: F401 - registers them
from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.measuring.machine import database_versions
from monitoring.lab.benchmarks.measuring.process_usage import Usage
from monitoring.lab.benchmarks.peer.packages import PeerInterpreter
from monitoring.lab.benchmarks.registry import SCENARIOS
from monitoring.lab.benchmarks.reports.figures import Outcome
from monitoring.lab.testbed.stage import Skipped


@dataclass(frozen=True)
class Result:
    """One scenario that ran. Without an outcome it was skipped, or broke down; `reason` says why."""

    name: str
    seconds: float
    rounds: int
    quick: bool
    outcome: Outcome | None = None
    skipped: bool = False
    reason: str = ""
    usages: tuple[tuple[str, Usage], ...] = ()
    database: tuple[tuple[str, Any], ...] = ()

    @property
    def is_good(self) -> bool:
        """Return whether it ran to its end, or is not for this machine."""
        return self.outcome is not None or self.skipped


def run_scenarios(
    names: Sequence[str],
    *,
    quick: bool,
    rounds: int | None,
    size: int | None,
    peer: PeerInterpreter | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Iterator[Result]:
    """Yield what came of each scenario, as soon as it is known."""
    for name in names:
        result = _run(name, quick=quick, rounds=rounds, size=size, peer=peer)
        on_result(result)
        yield result


def _run(name: str, *, quick: bool, rounds: int | None, size: int | None, peer: PeerInterpreter | None) -> Result:
    started = time.monotonic()
    with Bench(quick=quick, rounds=rounds, size=size, peer=peer) as bench:

        def result(**found: Any) -> Result:
            return Result(name, time.monotonic() - started, bench.rounds, quick, **found)

        bench.say(f"{name}: {SCENARIOS[name].sentence}")
        try:
            outcome = SCENARIOS[name].run(bench)
        except Skipped as reason:
            return result(skipped=True, reason=str(reason))
        except Exception as error:  # noqa: BLE001 - a scenario that breaks down is reported, and the others still run
            return result(reason=f"{type(error).__name__}: {error}"[-1500:])
        usages = tuple((doing, usage) for doing, found in bench.usages.items() for usage in found)
        return result(outcome=outcome, usages=usages, database=_database_of(bench))


def _database_of(bench: Bench) -> tuple[tuple[str, Any], ...]:
    if not bench.has_stage:
        return ()
    return tuple(database_versions(bench.stage.environment["DATABASE_URL"]).items())
