"""Outage of the model server: share of questions answered during it, and time until the server is used again."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import fresh_questions
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Series, Target, distribution, percentile
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.client import Asking, Reply
from monitoring.lab.testbed.load import Clients
from monitoring.lab.testbed.observer import wait_for_circuits
from monitoring.lab.testbed.serving import ServerProcess
from monitoring.lab.testbed.stage import Stage

PER_SECOND = 10.0
QUESTIONS = 500  # then again from the first: no answer is cached here
ASKED = (Asking(), Asking(), Asking(stream=True), Asking(path="/api/v1/search"))
AVAILABLE = 99.5  # %, answers of every kind
RECOVERY_SECONDS = 30.0  # as installed: a circuit that opened waits so long
SETTLE_SECONDS = 10.0  # and then, until every worker has tried
GIVE_UP_SECONDS = 120.0
BUCKET_SECONDS = 1.0


@dataclass(frozen=True)
class Script:
    """How often the model server dies, and for how long. Seconds."""

    cycles: int
    before: float
    away: float
    after: float


QUICK, FULL = Script(1, 4.0, 8.0, 6.0), Script(4, 20.0, 30.0, 30.0)


@dataclass(frozen=True)
class _Cycle:
    """One outage: when it began and ended on the monotonic clock, and how long recovery took."""

    killed_at: float
    started_at: float
    recovered_seconds: float


@scenario("outage", "availability while the model server dies and comes back, with and without degraded answers")
def run(bench: Bench) -> Outcome:
    """Ask at a steady rate through outages."""
    script = QUICK if bench.quick else FULL
    stage: Stage = bench.stage
    with stage.standin() as standin, stage.serving(standin, RECOVERY_TIMEOUT=RECOVERY_SECONDS) as (server, clients):
        bench.say(f"{script.cycles} outages of {script.away:.0f} s at {PER_SECOND:.0f} questions/s")
        clients.questions = itertools.cycle(list(itertools.islice(fresh_questions(), QUESTIONS)))
        started = time.monotonic()
        load = clients.steady(PER_SECOND, *ASKED)
        cycles = [_one_outage(standin, server, clients, script) for _ in range(script.cycles)]
        replies = load.finish()
    answers = [reply for reply in replies if "search" not in reply.asking.path]
    away = [reply for reply in replies if _was_away(reply, cycles)]
    calm = [reply for reply in replies if reply not in away]
    recovered = [cycle.recovered_seconds for cycle in cycles]
    figures = (
        Figure(
            "available, degraded answers included",
            share(replies, lambda reply: reply.is_good),
            "%",
            Target(at_least=AVAILABLE),
            note=f"{len(replies)} requests",
            lower_is_better=False,
        ),
        Figure("requests that failed", sum(not reply.is_good for reply in replies), "", Target(at_most=0)),
        Figure(
            "available, full answers only",
            share(answers, lambda reply: reply.is_generated),
            "%",
            note=f"the model was away {100 * _away_seconds(cycles) / (time.monotonic() - started):.0f} % of the time",
            lower_is_better=False,
        ),
        Figure.of(
            "time to recovery, all workers",
            recovered,
            "s",
            Target(at_most=RECOVERY_SECONDS + SETTLE_SECONDS),
            note=f"an open circuit waits {RECOVERY_SECONDS:g} s, unless a probe finds the model sooner",
        ),
        Figure("p95 while it is away", 1000 * percentile([reply.seconds for reply in away], 0.95), "ms"),
        Figure("p95 while it is there", 1000 * percentile([reply.seconds for reply in calm], 0.95), "ms"),
    )
    curve = _full_share_over_time(answers, started)
    return Outcome(
        figures,
        (Series("full answers", curve, "s", "% of a second's questions"),),
        settings={"outages": script.cycles, "away_s": script.away, "per_second": PER_SECOND},
        distributions={
            "while it is away (s)": distribution([reply.seconds for reply in away]),
            "while it is there (s)": distribution([reply.seconds for reply in calm]),
        },
    )


def share(replies: Sequence[Reply], counts: Callable[[Reply], bool]) -> float:
    """Return the percentage of replies for which `counts` holds; NaN of none."""
    return 100 * sum(counts(reply) for reply in replies) / len(replies) if replies else math.nan


def _one_outage(standin: StandInProcess, server: ServerProcess, clients: Clients, script: Script) -> _Cycle:
    time.sleep(script.before)
    killed_at = time.monotonic()
    standin.kill()
    time.sleep(script.away)
    standin.start()
    started_at = time.monotonic()
    taken = wait_for_circuits(server, clients, "CLOSED", GIVE_UP_SECONDS)
    time.sleep(max(0.0, started_at + script.after - time.monotonic()))
    return _Cycle(killed_at, started_at, math.nan if taken is None else taken)


def _was_away(reply: Reply, cycles: Sequence[_Cycle]) -> bool:
    return any(cycle.killed_at <= reply.at < cycle.started_at for cycle in cycles)


def _away_seconds(cycles: Sequence[_Cycle]) -> float:
    return sum(cycle.started_at - cycle.killed_at for cycle in cycles)


def _full_share_over_time(answers: Sequence[Reply], started: float) -> tuple[tuple[float, float], ...]:
    buckets: dict[int, list[Reply]] = {}
    for reply in answers:
        buckets.setdefault(int((reply.at - started) / BUCKET_SECONDS), []).append(reply)
    return tuple(
        (number * BUCKET_SECONDS, share(buckets[number], lambda reply: reply.is_generated))
        for number in sorted(buckets)
    )
