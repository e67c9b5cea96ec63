"""Runs drills one after the other; a drill that fails does not stop the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from monitoring.lab.drills.registry import SCENARIOS, Outcome
from monitoring.lab.testbed.invariants import Invariant
from monitoring.lab.testbed.stage import Skipped, Stage


def run_drills(
    names: Sequence[str], *, full: bool, on_invariant: Callable[[str, Invariant], None]
) -> Iterator[Outcome]:
    """Yield what each drill found; `on_invariant` hears of every figure as soon as it is known."""
    with Stage() as stage:
        for name in names:
            yield _run(name, stage, full=full, on_invariant=on_invariant)


def _run(name: str, stage: Stage, *, full: bool, on_invariant: Callable[[str, Invariant], None]) -> Outcome:
    started, found, skipped = time.monotonic(), list[Invariant](), ""

    def note(invariant: Invariant) -> None:
        found.append(invariant)
        on_invariant(name, invariant)

    try:
        for invariant in SCENARIOS[name](stage, full=full):
            note(invariant)
    except Skipped as reason:
        skipped = str(reason)
    except Exception as error:  # noqa: BLE001 - a drill that breaks down has failed, and the others still count
        note(Invariant("the drill came to its end", False, f"{type(error).__name__}: {error}"[-900:], "yes"))
    return Outcome(name, found, time.monotonic() - started, skipped)
