"""Renders results as a table for people, and as JSON for `compare`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from monitoring.lab.benchmarks.measuring.machine import versions
from monitoring.lab.benchmarks.reports.figures import Figure
from monitoring.lab.benchmarks.runner import Result

FORMAT = 1  # of the JSON file
COLUMNS = ("figure", "value", "unit", "target", "met")


def table(result: Result) -> str:
    """Return what one scenario found: a line per figure, under a line of conditions."""
    rounds = "1 round" if result.rounds == 1 else f"{result.rounds} rounds"
    lines = [f"{result.name} ({'quick, ' if result.quick else ''}{rounds}, {result.seconds:.0f} s)"]
    if result.outcome is None:
        return f"{lines[0]}\n  {'SKIPPED' if result.skipped else 'FAILED'}: {result.reason}\n"
    conditions = ", ".join(f"{name} {shown(value)}" for name, value in result.outcome.settings.items())
    rows = [COLUMNS, *(_row(figure) for figure in result.outcome.figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines += [f"  {conditions}"] if conditions else []
    for row in rows:
        cells = [
            cell.rjust(widths[1]) if column == 1 else cell.ljust(widths[column]) for column, cell in enumerate(row)
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    lines += [f"  note: {note}" for note in result.outcome.notes]
    return "\n".join(lines) + "\n"


def report(results: Sequence[Result], on: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything for the JSON file; `on`: the machine, as it was before anything ran."""
    return {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(on),
        "versions": versions() | {name: value for result in results for name, value in result.database},
        "scenarios": [_as_dict(result) for result in results],
    }


def as_json(found: dict[str, Any]) -> str:
    """Return the report as the text of its file. Numbers have six digits that count: more would be noise."""
    return json.dumps(_rounded(found), indent=1, allow_nan=False) + "\n"


def missed_lines(results: Sequence[Result]) -> list[str]:
    """Return a line for every figure that misses its target, and for every scenario that broke down."""
    lines = [f"{result.name}: {result.reason}" for result in results if not result.is_good]
    for result in results:
        for figure in result.outcome.missed if result.outcome else ():
            assert figure.target is not None
            unit = f" {figure.unit}" if figure.unit else ""
            lines.append(
                f"{result.name}: {figure.name} is {shown(figure.value)}{unit}, target {figure.target.text()}{unit}"
            )
    return lines


def shown(value: object) -> str:
    """Return a value as the table has it: numbers with three digits that count, never as powers of ten."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if math.isnan(value):
        return "-"
    if isinstance(value, int) or value == 0 or math.isinf(value):
        return str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def _row(figure: Figure) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: ""}[figure.is_met]
    target = figure.target.text() if figure.target else ""
    return (figure.name, shown(figure.value), figure.unit, target, met)


def _as_dict(result: Result) -> dict[str, Any]:
    outcome = result.outcome
    told: dict[str, Any] = {
        "name": result.name,
        "seconds": result.seconds,
        "rounds": result.rounds,
        "quick": result.quick,
        "skipped": result.reason if result.skipped else None,
        "failed": None if result.is_good else result.reason,
    }
    if outcome is not None:
        told |= {
            "settings": dict(outcome.settings),
            "figures": [figure.as_dict() for figure in outcome.figures],
            "percentiles": {name: dict(found) for name, found in outcome.distributions.items()},
            "series": [series.as_dict() for series in outcome.series],
            "notes": list(outcome.notes),
            "processes": [{"during": doing, **usage.as_dict()} for doing, usage in result.usages],
        }
    return told


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
