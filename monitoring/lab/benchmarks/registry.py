"""Registry of scenarios by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.reports.figures import Outcome

Run = Callable[[Bench], Outcome]


@dataclass(frozen=True)
class Scenario:
    """What can be measured. Raises Skipped (monitoring/lab/testbed/stage.py) where this machine lacks what it needs."""

    name: str
    sentence: str
    run: Run


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, sentence: str) -> Callable[[Run], Run]:
    """Register the function below as the scenario of this name."""

    def register(run: Run) -> Run:
        if name in SCENARIOS:
            raise ValueError(f"there are two scenarios called {name!r}")
        SCENARIOS[name] = Scenario(name, sentence, run)
        return run

    return register
