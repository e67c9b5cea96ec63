"""Two reports side by side."""

from __future__ import annotations

from typing import Any

import pytest

from monitoring.lab.benchmarks.reports.comparison import NotComparable, compare


def figure(
    *samples: float, name: str = "p95", value: float | None = None, lower_is_better: bool = True
) -> dict[str, Any]:
    ordered = sorted(samples)
    return {
        "name": name,
        "value": ordered[len(ordered) // 2] if value is None and samples else value,
        "unit": "s",
        "samples": list(samples),
        "lower_is_better": lower_is_better,
    }


def report(*figures: dict[str, Any], scenario: str = "streams", **settings: object) -> dict[str, Any]:
    run = {"name": scenario, "figures": list(figures), "settings": {"clients": 50, **settings}, "quick": False}
    run["rounds"] = 3
    return {
        "format": 1,
        "machine": {"cores": 2, "load_average": [0.1]},
        "versions": {"python": "3.11"},
        "scenarios": [run],
    }


@pytest.mark.parametrize(
    ("before", "after", "lower_is_better", "verdict"),
    [
        ((1.0, 1.01, 1.02), (1.3, 1.31, 1.32), True, "worse"),
        ((1.0, 1.01, 1.02), (0.7, 0.71, 0.72), True, "better"),
        ((100.0, 101.0, 102.0), (70.0, 71.0, 72.0), False, "worse"),
        ((100.0, 101.0, 102.0), (130.0, 131.0, 132.0), False, "better"),
        ((1.0, 1.01, 1.02), (1.05, 1.06, 1.07), True, "same"),  # within the tolerance
        ((1.0, 1.01, 1.5), (1.3, 1.31, 1.32), True, "same"),  # one of the rounds before was as slow
        ((0.0,), (0.0,), True, "same"),
        ((0.0,), (3.0,), True, "worse"),  # failures, where there were none
        ((3.0,), (0.0,), True, "better"),
    ],
)
def test_a_change_counts_beyond_tolerance_and_spread(
    before: tuple[float, ...], after: tuple[float, ...], lower_is_better: bool, verdict: str
) -> None:
    one, other = (report(figure(*samples, lower_is_better=lower_is_better)) for samples in (before, after))
    found = compare(one, other, tolerance=0.1)
    assert [change.verdict for change in found.changes] == [verdict]
    assert bool(found.worse) is (verdict == "worse")


def test_the_ratio_comes_with_its_spread() -> None:
    (change,) = compare(report(figure(1.0, 2.0, 4.0)), report(figure(2.0, 4.0, 8.0)), tolerance=0.1).changes
    assert (change.ratio, change.lowest, change.highest) == (2.0, 0.5, 8.0)
    assert change.line() == "same    streams: p95: 2.00 -> 4.00 s  x2.00 (x0.50 .. x8.00)"


def test_a_wider_tolerance_forgives_more() -> None:
    reports = report(figure(1.0)), report(figure(1.4))
    assert compare(*reports, tolerance=0.1).worse
    assert not compare(*reports, tolerance=0.5).worse


def test_a_figure_that_can_no_longer_be_measured_is_worse() -> None:
    assert compare(report(figure(1.0)), report(figure(value=None)), tolerance=0.1).worse
    assert not compare(report(figure(value=None)), report(figure(value=None)), tolerance=0.1).changes


def test_what_differs_between_the_runs_is_named() -> None:
    before = report(figure(1.0), figure(1.0, name="gone"))
    after = report(figure(1.0), figure(1.0, name="new"), clients=200)
    after["machine"] = {"cores": 8, "load_average": [9.0]}
    after["versions"] = {"python": "3.12"}
    assert set(compare(before, after, tolerance=0.1).differences) == {
        "machine: cores: 2 -> 8",
        "versions: python: 3.11 -> 3.12",
        "streams: clients: 50 -> 200",
        "streams: only in the first: gone",
        "streams: only in the second: new",
    }


def test_one_round_each_is_too_few_to_tell_chance_from_change() -> None:
    before, after = report(figure(1.0)), report(figure(1.0))
    before["scenarios"][0]["rounds"] = after["scenarios"][0]["rounds"] = 1
    (difference,) = compare(before, after, tolerance=0.1).differences
    assert "one round each" in difference


def test_a_quick_run_is_no_full_one() -> None:
    after = report(figure(1.0))
    after["scenarios"][0]["quick"] = True
    assert compare(report(figure(1.0)), after, tolerance=0.1).differences == ("streams: quick: False -> True",)


def test_reports_without_a_scenario_in_common_are_refused() -> None:
    with pytest.raises(NotComparable, match="streams and cache"):
        compare(report(figure(1.0)), report(figure(1.0), scenario="cache"), tolerance=0.1)


@pytest.mark.parametrize("other", [{}, {"drills": []}, [], {"format": 99}])
def test_other_json_is_refused(other: Any) -> None:
    with pytest.raises(NotComparable, match="no report"):
        compare(report(figure(1.0)), other, tolerance=0.1)
