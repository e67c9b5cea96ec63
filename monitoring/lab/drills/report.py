"""Renders the results of drills as lines for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from monitoring.lab.drills.registry import Outcome
from monitoring.lab.testbed.invariants import Invariant

NAME_WIDTH = 60


def line_of(name: str, invariant: Invariant) -> str:
    """Return the line of one invariant: PASS or FAIL, drill, what, figure, target."""
    verdict = "PASS" if invariant.passed else "FAIL"
    target = f"  ({invariant.target})" if invariant.target else ""
    return f"{verdict}  {f'{name}: {invariant.name}':<{NAME_WIDTH}}  {invariant.figure}{target}"


def line_of_outcome(outcome: Outcome) -> str:
    """Return the last line of a drill."""
    if outcome.skipped:
        return f"SKIP  {outcome.name}: {outcome.skipped}"
    held = sum(invariant.passed for invariant in outcome.invariants)
    verdict = "PASS" if outcome.passed else "FAIL"
    return f"{verdict}  {outcome.name}: {held} of {len(outcome.invariants)} held, in {outcome.seconds:.0f} s\n"


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return the report as JSON."""
    drills = [
        {
            "name": outcome.name,
            "passed": outcome.passed,
            "skipped": outcome.skipped or None,
            "seconds": round(outcome.seconds, 1),
            "invariants": [invariant.as_dict() for invariant in outcome.invariants],
        }
        for outcome in outcomes
    ]
    return json.dumps({"drills": drills}, indent=2)
