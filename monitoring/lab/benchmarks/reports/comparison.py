"""Compares two reports: which figures got better or worse, by more than the rounds differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from monitoring.lab.benchmarks.reports.report import FORMAT, shown

Verdict = Literal["better", "worse", "same"]


class NotComparable(Exception):
    """A file is no report of `manage.py benchmark`, or the two have nothing in common."""


@dataclass(frozen=True)
class Change:
    """One figure, before and after. `lowest` and `highest`: the ratio between any two rounds of theirs."""

    scenario: str
    name: str
    unit: str
    before: float
    after: float
    ratio: float
    lowest: float
    highest: float
    verdict: Verdict

    def line(self) -> str:
        """Return the line of the comparison."""
        ratio = f"{_times(self.ratio)} ({_times(self.lowest)} .. {_times(self.highest)})"
        values = f"{shown(self.before)} -> {shown(self.after)} {self.unit}".rstrip()
        return f"{self.verdict:<6}  {self.scenario}: {self.name}: {values}  {ratio}"


@dataclass(frozen=True)
class Comparison:
    """All figures that both reports have, and in what the runs differed."""

    changes: tuple[Change, ...]
    differences: tuple[str, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """Return the figures that got worse."""
        return tuple(change for change in self.changes if change.verdict == "worse")


def compare(before: Mapping[str, Any], after: Mapping[str, Any], *, tolerance: float) -> Comparison:
    """Return how `after` differs from `before`.

    A figure got worse (or better) when its ratio is beyond `tolerance` and every round of one run lies on the same
    side of every round of the other. Raises NotComparable.
    """
    mine, yours = _scenarios(before), _scenarios(after)
    common = [name for name in mine if name in yours]
    if not common:
        raise NotComparable(f"no scenario is in both: {', '.join(mine) or 'none'} and {', '.join(yours) or 'none'}")
    differences = [*_differences_of_runs(before, after)]
    differences += [f"only in the first: {name}" for name in mine if name not in yours]
    differences += [f"only in the second: {name}" for name in yours if name not in mine]
    changes: list[Change] = []
    for name in common:
        differences += _differences_of_settings(name, mine[name], yours[name])
        if mine[name]["rounds"] < 2 and yours[name]["rounds"] < 2:
            differences.append(f"{name}: one round each, so chance can't be told from change; measure with --rounds 3")
        others = {figure["name"]: figure for figure in yours[name]["figures"]}
        own = {figure["name"] for figure in mine[name]["figures"]}
        differences += [f"{name}: only in the first: {figure}" for figure in own - others.keys()]
        differences += [f"{name}: only in the second: {figure}" for figure in others.keys() - own]
        for figure in mine[name]["figures"]:
            if (other := others.get(figure["name"])) is not None:
                changes += _change(name, figure, other, tolerance)
    return Comparison(tuple(changes), tuple(differences))


def _scenarios(report: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise NotComparable("this is no report of `manage.py benchmark` in the format that this version writes")
    return {each["name"]: each for each in report["scenarios"] if "figures" in each}


def _differences_of_runs(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield in what the machines and versions differ; the load that was there before the run is none of it."""
    for part in ("machine", "versions"):
        for name in sorted(before[part].keys() | after[part].keys()):
            one, other = before[part].get(name), after[part].get(name)
            if one != other and name != "load_average":
                yield f"{part}: {name}: {one} -> {other}"


def _differences_of_settings(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    one, other = ({**run["settings"], "quick": run["quick"]} for run in (before, after))
    for setting in sorted(one.keys() | other.keys()):
        if one.get(setting) != other.get(setting):
            yield f"{name}: {setting}: {one.get(setting)} -> {other.get(setting)}"


def _change(scenario: str, before: Mapping[str, Any], after: Mapping[str, Any], tolerance: float) -> Iterator[Change]:
    """Yield the change of a figure; nothing when one side could not be measured in both runs."""
    if before["value"] is None and after["value"] is None:
        return
    one, other = (math.nan if each["value"] is None else each["value"] for each in (before, after))
    mine = [sample for sample in before["samples"] if sample is not None] or [one]
    yours = [sample for sample in after["samples"] if sample is not None] or [other]
    ratio, lowest, highest = _ratio(other, one), _ratio(min(yours), max(mine)), _ratio(max(yours), min(mine))
    verdict = _verdict(ratio, lowest, highest, tolerance, lower_is_better=before["lower_is_better"])
    yield Change(scenario, before["name"], before["unit"], one, other, ratio, lowest, highest, verdict)


def _verdict(ratio: float, lowest: float, highest: float, tolerance: float, *, lower_is_better: bool) -> Verdict:
    if math.isnan(ratio):
        return "worse"  # it could be measured on one side only
    if ratio > 1 + tolerance and lowest > 1:
        return "worse" if lower_is_better else "better"
    if ratio < 1 / (1 + tolerance) and highest < 1:
        return "better" if lower_is_better else "worse"
    return "same"


def _ratio(value: float, base: float) -> float:
    if value == base:
        return 1.0
    return math.inf if base == 0 else value / base


def _times(ratio: float) -> str:
    return "x?" if math.isnan(ratio) else "xinf" if math.isinf(ratio) else f"x{ratio:.2f}"
