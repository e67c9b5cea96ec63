"""Search of four slow corpora, one after another and in parallel."""

from __future__ import annotations

import statistics

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_corpus import plan_of
from monitoring.lab.benchmarks.measuring.slow_legs import LEG_SECONDS, PASSAGES, load_corpora, time_legs
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Target

REPEATS = 5  # in each round
SPEEDUP, OVER_MS = 2.5, 30.0
WHAT = {"bare": "legs that only wait", "search": "a search of four corpora"}


@scenario("parallel-legs", "legs of 300, 200, 200 and 150 ms: one after another against side by side")
def run(bench: Bench) -> Outcome:
    """Time legs that only wait, and whole searches with as slow legs in them."""
    environment = {**bench.stage.environment, "OLLAMA_BASE_URL": "", "RAGSITE_ROLE": "web"}
    bench.say("loading four corpora")
    run_inside({**environment, "RAGSITE_ROLE": ""}, load_corpora)
    question = Language().questions(plan_of(PASSAGES).lengths, 1)[0]
    bench.say("searching them")
    taken = run_inside(environment, time_legs, question=question, rounds=bench.rounds, repeats=REPEATS)
    figures = [figure for kind in WHAT for figure in figures_of(kind, taken)]
    return Outcome(
        tuple(figures),
        settings={"leg_ms": [round(1000 * seconds) for seconds in LEG_SECONDS], "threads": len(LEG_SECONDS)},
    )


def figures_of(kind: str, taken: dict[str, list[float]]) -> list[Figure]:
    """Return what both ways took, and how they compare, pair by pair."""
    sequential, parallel = taken[f"{kind}_sequential"], taken[f"{kind}_parallel"]
    pairs = list(zip(sequential, parallel, strict=True))
    what = WHAT[kind]
    return [
        Figure.of(f"Sequential, {what}", sequential, "ms"),
        Figure.of(f"Parallel, {what}", parallel, "ms"),
        Figure.of(
            f"Speedup, {what}",
            [one / other for one, other in pairs],
            "x",
            Target(at_least=SPEEDUP),
            note=f"{sum(LEG_SECONDS) / max(LEG_SECONDS):.2f} at best",
            lower_is_better=False,
        ),
        Figure.of(
            f"Improvement, {what}", [100 * (1 - other / one) for one, other in pairs], "%", lower_is_better=False
        ),
        Figure(
            f"over the slowest leg, {what}",
            statistics.median(taken[f"{kind}_over"]),
            "ms",
            Target(at_most=OVER_MS),
            samples=tuple(taken[f"{kind}_over"]),
        ),
    ]
