"""Duration of a search at each size of the corpus, compared with the same SQL run by hand; and its recall."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_corpus import load, plan_of
from monitoring.lab.benchmarks.load.keep_alive_client import KeepAlive
from monitoring.lab.benchmarks.measuring.filtered_search import FRESH, Large, search_once, share_figures
from monitoring.lab.benchmarks.measuring.recall import TOP
from monitoring.lab.benchmarks.measuring.sql_replay import note_searches, replay
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Series, Target, distribution, percentile

QUICK_SIZES, FULL_SIZES = (1_000, 10_000), (1_000, 10_000, 100_000)
QUICK_QUESTIONS, FULL_QUESTIONS = 20, 60
COMMON_QUESTIONS = 12
ALLOWED_RATIO, ALLOWED_MS = 1.3, 5.0  # of what the SQL takes by hand
COMMON_MS = 100.0
CORPUS = "benchmark-{}"


@dataclass
class _AtSize:
    """What was measured on one corpus, in ms; one sample per round, or one per request."""

    size: int
    questions: Sequence[str]
    bodies: Sequence[dict[str, Any]]
    noted: Sequence[Mapping[str, Any]]
    api_rounds: list[list[float]] = field(default_factory=list)
    hand_rounds: list[list[float]] = field(default_factory=list)
    differing: int = 0  # passages that the API gave in one round and not when the SQL was noted

    @property
    def api(self) -> list[float]:
        return [statistics.median(each) for each in self.api_rounds]

    @property
    def hand(self) -> list[float]:
        return [statistics.median(each) for each in self.hand_rounds]

    @property
    def allowance(self) -> list[float]:
        """Return the share of the allowed time that each round took."""
        return [api / (ALLOWED_RATIO * hand + ALLOWED_MS) for api, hand in zip(self.api, self.hand, strict=True)]


@scenario("search", "searches on corpora of growing size, against the same SQL run by hand; recall under filters")
def run(bench: Bench) -> Outcome:
    """Measure every size, and return the figures."""
    figures: list[Figure] = []
    measured: list[_AtSize] = []
    common: dict[int, float] = {}
    sizes = sizes_of(bench)
    with bench.stage.serving() as (server, _):
        for size in sizes:
            slug = CORPUS.format(size)
            bench.say(f"loading {size:,} passages")
            seconds = run_inside(bench.stage.environment, load, slug=slug, size=size, tenant_slug=slug)
            bench.say(f"... {seconds['all']:.0f} s; searching")
            at = _prepare(bench, slug, size)
            with KeepAlive(server.url) as client, psycopg.connect(bench.stage.environment["DATABASE_URL"]) as database:
                for number in range(bench.rounds + 1):
                    _round(at, client, database, number)
                common[size] = _common(client, slug, bench.rounds)
                measured.append(at)
                figures += _figures_of(at, common[size])
        large = Large(CORPUS.format(sizes[-1]), sizes[-1], measured[-1].questions, others=sum(sizes[:-1]))
        figures += share_figures(bench, server.url, large)
    points = {"p50": [(at.size, statistics.median(at.api)) for at in measured]}
    points["the same SQL by hand"] = [(at.size, statistics.median(at.hand)) for at in measured]
    points["words of every passage"] = [*common.items()]
    return Outcome(
        tuple(figures),
        tuple(Series(name, tuple(curve), "passages", "ms") for name, curve in points.items()),
        settings={"sizes": list(sizes), "questions": len(measured[-1].questions), "top_k": TOP, "dimensions": 256},
        distributions={f"search, {at.size:,} passages (ms)": distribution(_flat(at.api_rounds)) for at in measured},
    )


def sizes_of(bench: Bench) -> tuple[int, ...]:
    """Return how large the corpora are; --size adds one, and leaves those out that are larger."""
    usual = QUICK_SIZES if bench.quick else FULL_SIZES
    return usual if bench.size is None else (*(size for size in usual if size < bench.size), bench.size)


def _prepare(bench: Bench, slug: str, size: int) -> _AtSize:
    count = QUICK_QUESTIONS if bench.quick else FULL_QUESTIONS
    questions = Language().questions(plan_of(size).lengths, count)
    bodies = [{"query": question, "corpora": [slug], "top_k": TOP, **FRESH} for question in questions]
    environment = {**bench.stage.environment, "RAGSITE_ROLE": "web", "OLLAMA_BASE_URL": ""}
    noted = run_inside(environment, note_searches, bodies=bodies)
    return _AtSize(size, questions, bodies, noted)


def _round(at: _AtSize, client: KeepAlive, database: psycopg.Connection[Any], number: int) -> None:
    """Ask every question both ways, in turns; the first round only warms up.

    They take turns in asking first, too: the second one finds what the question reads in the processor's caches, and
    takes a fifth less time at 100,000 passages.
    """
    api, hand = [], []

    def ask(body: dict[str, Any], noted: Mapping[str, Any]) -> None:
        found, seconds = search_once(client, body)
        api.append(1000 * seconds)
        at.differing += [each["chunk_id"] for each in found["passages"]] != noted["chunk_ids"]

    for place, (body, noted) in enumerate(zip(at.bodies, at.noted, strict=True)):
        by_hand_first = (place + number) % 2
        if not by_hand_first:
            ask(body, noted)
        hand.append(1000 * replay(database, noted["statements"])[0])
        if by_hand_first:
            ask(body, noted)
    if number:
        at.api_rounds.append(api)
        at.hand_rounds.append(hand)


def _common(client: KeepAlive, slug: str, rounds: int) -> float:
    """Return the ms of the keyword leg for questions that have nothing but the most frequent words: the median."""
    bodies = [
        {"query": question, "corpora": [slug], "top_k": TOP, **FRESH}
        for question in Language().common_questions(COMMON_QUESTIONS)
    ]
    taken: list[float] = [
        search_once(client, body)[0]["timings_ms"]["lexical"] for _ in range(rounds + 1) for body in bodies
    ]
    return statistics.median(taken[COMMON_QUESTIONS:])


def _figures_of(at: _AtSize, common_ms: float) -> list[Figure]:
    where = f"{at.size:,} passages"
    p95 = [percentile(each, 0.95) for each in at.api_rounds]
    allowed = f"of {ALLOWED_RATIO:g} x by hand + {ALLOWED_MS:g} ms"
    return [
        Figure.of(f"search p50, {where}", at.api, "ms"),
        Figure.of(f"search p95, {where}", p95, "ms"),
        Figure.of(f"the same SQL by hand p50, {where}", at.hand, "ms"),
        Figure.of(
            f"search p50, {where}: share of what is allowed", at.allowance, "x", Target(at_most=1.0), note=allowed
        ),
        Figure(f"searches that differ from the noted SQL, {where}", at.differing, "", Target(at_most=0)),
        Figure(f"keyword leg, only most frequent words, {where}", common_ms, "ms", Target(at_most=COMMON_MS)),
    ]


def _flat(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [each for one in rounds for each in one]
