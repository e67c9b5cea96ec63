"""Results of a benchmark: figures with targets, curves, and the settings under which they were taken."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Target:
    """A bound that a figure is to keep, on one side or on both."""

    at_most: float | None = None
    at_least: float | None = None

    def is_met_by(self, value: float) -> bool:
        """Return whether the value keeps the bound; one that could not be measured (NaN) doesn't."""
        return not (
            math.isnan(value)
            or (self.at_most is not None and value > self.at_most)
            or (self.at_least is not None and value < self.at_least)
        )

    def text(self) -> str:
        """Return the bound as people write it, e.g. `<= 1.15`."""
        bounds = [(">=", self.at_least), ("<=", self.at_most)]
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


@dataclass(frozen=True)
class Figure:
    """One number that a scenario found.

    `value` is the median of `samples`, one per round, where there are several. Times are in the unit that is named.
    """

    name: str
    value: float
    unit: str
    target: Target | None = None
    samples: tuple[float, ...] = ()
    note: str = ""
    lower_is_better: bool = True  # for `compare`

    @classmethod
    def of(
        cls,
        name: str,
        samples: Sequence[float],
        unit: str,
        target: Target | None = None,
        *,
        note: str = "",
        lower_is_better: bool = True,
    ) -> Self:
        """Return the figure of several rounds: their median. No round: NaN, which misses every target."""
        value = statistics.median(samples) if samples else math.nan
        return cls(name, value, unit, target, tuple(samples), note, lower_is_better)

    @property
    def is_met(self) -> bool | None:
        """Return whether the target is met; None: there is none."""
        return None if self.target is None else self.target.is_met_by(self.value)

    def as_dict(self) -> dict[str, Any]:
        """Return the figure for the JSON file; what could not be measured is null there."""
        return {
            "name": self.name,
            "value": _json_number(self.value),
            "unit": self.unit,
            "target": self.target.text() if self.target else None,
            "met": self.is_met,
            "samples": [_json_number(sample) for sample in self.samples],
            "lower_is_better": self.lower_is_better,
            "note": self.note or None,
        }


@dataclass(frozen=True)
class Series:
    """A curve for `--plot`."""

    name: str
    points: tuple[tuple[float, float], ...]
    x_label: str
    y_label: str

    def as_dict(self) -> dict[str, Any]:
        """Return the curve for the JSON file."""
        return {
            "name": self.name,
            "points": [list(point) for point in self.points],
            "x_label": self.x_label,
            "y_label": self.y_label,
        }


@dataclass(frozen=True)
class Outcome:
    """All that a scenario found. `settings`: the conditions, which `compare` wants to be the same on both sides."""

    figures: tuple[Figure, ...]
    series: tuple[Series, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    distributions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # percentiles by what they are of

    @property
    def missed(self) -> tuple[Figure, ...]:
        """Return the figures whose target is not met."""
        return tuple(figure for figure in self.figures if figure.is_met is False)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0..1) of all are at or below, e.g. 0.95 of 20 values: the 19th. NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def distribution(values: Sequence[float]) -> dict[str, float]:
    """Return count, mean, p50, p95, p99 and the largest of the values, in their unit; empty for none."""
    if not values:
        return {"count": 0}
    shares = {f"p{share * 100:.0f}": percentile(values, share) for share in (0.5, 0.95, 0.99)}
    return {"count": len(values), "mean": statistics.fmean(values), **shares, "max": max(values)}


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None
