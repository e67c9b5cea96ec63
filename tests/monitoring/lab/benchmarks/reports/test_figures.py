"""Figures, targets and percentiles."""

from __future__ import annotations

import json
import math

import pytest

from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Target, distribution, percentile


@pytest.mark.parametrize(
    ("target", "value", "is_met"),
    [
        (Target(at_most=1.15), 1.15, True),
        (Target(at_most=1.15), 1.16, False),
        (Target(at_least=0.85), 0.85, True),
        (Target(at_least=0.85), 0.84, False),
        (Target(at_least=1, at_most=2), 3, False),
        (Target(at_most=0), 0, True),
        (Target(at_most=1.15), math.nan, False),  # not measured
        (Target(at_least=0.85), math.nan, False),
    ],
)
def test_a_bound_is_kept_up_to_itself(target: Target, value: float, is_met: bool) -> None:
    assert target.is_met_by(value) is is_met


def test_a_target_is_written_as_people_write_it() -> None:
    assert Target(at_most=1.15).text() == "<= 1.15"
    assert Target(at_least=200).text() == ">= 200"
    assert Target(at_least=1, at_most=2).text() == ">= 1 and <= 2"


def test_a_figure_of_several_rounds_is_their_median() -> None:
    figure = Figure.of("ratio", [0.9, 0.5, 0.8], "x", Target(at_least=0.8))
    assert figure.value == 0.8
    assert figure.samples == (0.9, 0.5, 0.8)
    assert figure.is_met is True


def test_a_figure_without_a_target_is_neither_met_nor_missed() -> None:
    outcome = Outcome((Figure("a", 1.0, "s"), Figure("b", 2.0, "s", Target(at_most=1))))
    assert outcome.figures[0].is_met is None
    assert [figure.name for figure in outcome.missed] == ["b"]


def test_what_could_not_be_measured_misses_its_target_and_is_null_in_the_file() -> None:
    figure = Figure.of("first token", [], "s", Target(at_most=1.0))
    assert figure.is_met is False
    told = json.loads(json.dumps(figure.as_dict(), allow_nan=False))
    assert (told["value"], told["met"]) == (None, False)


@pytest.mark.parametrize(("share", "found"), [(0.5, 10), (0.95, 19), (0.99, 20), (1.0, 20), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, found: int) -> None:
    assert percentile([*range(20, 0, -1)], share) == found


def test_no_values_have_no_percentile() -> None:
    assert math.isnan(percentile([], 0.5))
    assert distribution([]) == {"count": 0}


def test_a_distribution_names_count_mean_percentiles_and_the_largest() -> None:
    found = distribution([float(number) for number in range(1, 101)])
    assert found == {"count": 100, "mean": 50.5, "p50": 50, "p95": 95, "p99": 99, "max": 100}
