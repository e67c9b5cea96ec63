"""`benchmark parallel-legs` from beginning to end, and its figures."""

from __future__ import annotations

import math

import pytest

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.question_corpus import documents
from monitoring.lab.benchmarks.measuring.slow_legs import LEG_SECONDS
from monitoring.lab.benchmarks.scenarios import parallel_legs
from monitoring.lab.benchmarks.scenarios.parallel_legs import figures_of, run


def test_figures_compare_pair_by_pair() -> None:
    figures = figures_of(
        "bare", {"bare_sequential": [900.0, 800.0], "bare_parallel": [300.0, 400.0], "bare_over": [0.0, 100.0]}
    )
    told = {figure.name.partition(",")[0]: (figure.value, figure.is_met) for figure in figures}
    assert told == {
        "Sequential": (850, None),
        "Parallel": (350, None),
        "Speedup": (2.5, True),
        "Improvement": (pytest.approx((100 * 2 / 3 + 50) / 2), None),
        "over the slowest leg": (50, False),
    }


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_legs_really_wait_in_postgres_one_after_another_and_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_legs, "REPEATS", 1)
    monkeypatch.setattr("monitoring.lab.benchmarks.bench.documents", lambda: documents(10))  # it brings its own corpora
    with Bench(quick=True, rounds=1) as bench:
        outcome = run(bench)
    figures = {figure.name: figure for figure in outcome.figures}
    assert all(math.isfinite(figure.value) for figure in outcome.figures)
    for what in ("legs that only wait", "a search of four corpora"):
        assert min(figures[f"Sequential, {what}"].samples) >= 1000 * sum(LEG_SECONDS)
        # Sleeps take as long as they take: side by side none can be shorter than the longest, nor as long as all.
        assert 1000 * max(LEG_SECONDS) <= min(figures[f"Parallel, {what}"].samples) < 1000 * sum(LEG_SECONDS)
