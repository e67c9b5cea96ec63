"""What `benchmark search` makes of what it measured."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.scenarios import search as scenario
from monitoring.lab.benchmarks.scenarios.search import _AtSize, _figures_of, _round, sizes_of


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


def test_who_asks_first_takes_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """By question and by round: whoever comes second finds the caches of the processor warm."""
    came: list[str] = []

    def search_once(_client: object, body: dict[str, str]) -> tuple[dict[str, Any], float]:
        came.append(f"api {body['query']}")
        return {"passages": [{"chunk_id": 1}]}, 0.02

    def replay(_database: object, statements: str) -> tuple[float, list[Any]]:
        came.append(f"hand {statements}")
        return 0.01, []

    monkeypatch.setattr(scenario, "search_once", search_once)
    monkeypatch.setattr(scenario, "replay", replay)
    noted = [{"statements": name, "chunk_ids": [1]} for name in "ab"]
    at = _AtSize(1_000, ["a", "b"], [{"query": name} for name in "ab"], noted)
    for number in (0, 1, 2):
        _round(at, Mock(), Mock(), number)
    assert came == [
        *("api a", "hand a", "hand b", "api b"),
        *("hand a", "api a", "api b", "hand b"),
        *("api a", "hand a", "hand b", "api b"),
    ]
    assert (at.api_rounds, at.hand_rounds) == ([[20.0, 20.0]] * 2, [[10.0, 10.0]] * 2)  # the first only warms up
    assert at.differing == 0
