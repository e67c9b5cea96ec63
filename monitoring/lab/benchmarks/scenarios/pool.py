"""Savings of a pool of database connections, compared with a new connection for every request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import AT_ONCE, PACE, SEARCH, asked, fresh_questions, settings_of
from monitoring.lab.benchmarks.load.runner import Load, Loaded, Step, run_load
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, distribution, percentile

QUERIES = 100  # on connections of our own
CLIENTS = 10
UNPOOLED = {"DJANGO_SETTINGS_MODULE": "monitoring.lab.benchmarks.reference.unpooled_settings"}
LISTING: list[Step] = [("GET", "/api/v1/corpora", "")]


@scenario("pool", "requests over pooled database connections, beside a new connection for each")
def run(bench: Bench) -> Outcome:
    """Measure the pool, and return the figures."""
    found: dict[str, list[Loaded]] = {}
    queries: dict[str, list[float]] = {"pooled": [], "new": []}
    count = 150 if bench.quick else 2000
    questions = fresh_questions()
    searches = [asked(next(questions), path=SEARCH, use_cache=False) for _ in range(count)]
    with (
        bench.stage.standin(**PACE | AT_ONCE) as standin,
        bench.stage.serving(standin) as (pooled, _),
        bench.stage.serving(standin, **UNPOOLED) as (unpooled, _),
    ):
        for number in range(bench.rounds):
            bench.say(f"round {number + 1} of {bench.rounds}")
            for how, seconds in _queries(bench.stage.environment["DATABASE_URL"]).items():
                queries[how] += seconds
            for how, server in (("pooled", pooled), ("new", unpooled)):
                for what, requests in (("listing", [LISTING]), ("search", searches)):
                    loaded = run_load(server.url, Load(requests, CLIENTS, count=count))
                    found.setdefault(f"{what}, {how}", []).append(loaded)
    figures = [
        *(
            Figure(f"query, {how} connection, p50", 1000 * percentile(seconds, 0.5), "ms")
            for how, seconds in queries.items()
        ),
        Figure(
            "a new connection costs, p50",
            1000 * (percentile(queries["new"], 0.5) - percentile(queries["pooled"], 0.5)),
            "ms",
        ),
    ]
    for what in ("listing", "search"):
        figures += _figures(what, found[f"{what}, pooled"], found[f"{what}, new"])
    figures.append(Figure("failures", float(sum(one.failures for loads in found.values() for one in loads)), ""))
    return Outcome(
        tuple(figures),
        settings=settings_of(bench, clients=CLIENTS, requests=count, **{"pool size": 5, "hit rate": 0}),
        distributions={
            **{f"query, {how} connection s": distribution(seconds) for how, seconds in queries.items()},
            **{
                f"{what} s": distribution([each for one in loads for each in one.seconds])
                for what, loads in found.items()
            },
        },
    )


def _figures(what: str, pooled: list[Loaded], new: list[Loaded]) -> list[Figure]:
    return [
        Figure.of(f"{what}: p50, pooled", [1000 * each.p(0.5) for each in pooled], "ms"),
        Figure.of(f"{what}: p95, pooled", [1000 * each.p(0.95) for each in pooled], "ms"),
        Figure.of(f"{what}: p50, new connections", [1000 * each.p(0.5) for each in new], "ms"),
        Figure.of(f"{what}: p95, new connections", [1000 * each.p(0.95) for each in new], "ms"),
        Figure.of(
            f"{what}: requests/s, pooled against new",
            [one.per_second() / max(other.per_second(), 1e-9) for one, other in zip(pooled, new, strict=True)],
            "x",
            lower_is_better=False,
        ),
    ]


def _queries(url: str) -> dict[str, list[float]]:
    """Return the seconds of one small query on a pooled and on a new connection, in turns."""

    def on_new() -> Any:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone()

    with ConnectionPool(url, min_size=1, max_size=5) as pool:

        def on_pooled() -> Any:
            with pool.connection() as connection:
                return connection.execute("SELECT 1").fetchone()

        pool.wait()
        found: dict[str, list[float]] = {"pooled": [], "new": []}
        for _ in range(QUERIES):
            found["pooled"].append(_timed(on_pooled))
            found["new"].append(_timed(on_new))
    return found


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
