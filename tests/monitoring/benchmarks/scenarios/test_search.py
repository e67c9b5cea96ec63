"""What `benchmark search` makes of what it measured."""

from __future__ import annotations

import pytest

from monitoring.benchmarks.bench import Bench
from monitoring.benchmarks.scenarios.search import _AtSize, _figures_of, sizes_of


@pytest.mark.parametrize(
    ("quick", "size", "sizes"),
    [
        (True, None, (1_000, 10_000)),
        (False, None, (1_000, 10_000, 100_000)),
        (False, 1_000_000, (1_000, 10_000, 100_000, 1_000_000)),
        (False, 5_000, (1_000, 5_000)),
        (True, 10_000, (1_000, 10_000)),
    ],
)
def test_the_curve_ends_with_the_size_that_is_asked_for(quick: bool, size: int | None, sizes: tuple[int, ...]) -> None:
    assert sizes_of(Bench(quick=quick, size=size)) == sizes


def test_a_search_may_take_a_little_longer_than_its_sql() -> None:
    at = _AtSize(1_000, [], [], [], api_rounds=[[30.0], [18.0, 18.0, 99.0]], hand_rounds=[[10.0], [10.0, 10.0, 10.0]])
    figures = {figure.name: figure for figure in _figures_of(at, common_ms=12.0)}
    share = figures["search p50, 1,000 passages: share of what is allowed"]
    assert share.samples == pytest.approx((30 / 18, 1.0))
    assert share.is_met is False
    assert figures["search p50, 1,000 passages"].value == 24
    assert figures["the same SQL by hand p50, 1,000 passages"].value == 10
    assert figures["keyword leg, only most frequent words, 1,000 passages"].is_met
