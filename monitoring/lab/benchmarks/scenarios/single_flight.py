"""Fifty identical questions at the same moment: the number of calls to the model."""

from __future__ import annotations

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import (
    PACE,
    asked,
    fresh_questions,
    generator_usage,
    processes_of,
    settings_of,
)
from monitoring.lab.benchmarks.load.runner import Load, run_load
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Target, distribution

CLIENTS = 50
ANSWERED = ('"degraded":false',)


@scenario("single-flight", "identical questions at once over two web workers: generations that they cost")
def run(bench: Bench) -> Outcome:
    """Measure; `--size`: how many ask at once."""
    clients = bench.size or CLIENTS
    questions = fresh_questions()
    loads, generations = [], []
    with bench.stage.standin(**PACE) as standin, bench.stage.serving(standin) as (server, _):
        for number in range(bench.rounds):
            bench.say(f"round {number + 1} of {bench.rounds}")
            standin.control({"reset_counters": True})
            with bench.metered(f"{clients} identical questions", processes_of(bench, server, standin)) as meter:
                load = Load([asked(next(questions))], clients, count=clients, good=ANSWERED, keep_alive=False)
                loads.append(run_load(server.url, load))
                meter.note(loads[-1].usage)
            generations.append(float(standin.state()["requests"].get("chat", 0)))
        conditions = settings_of(bench, clients=clients, **{"hit rate": "one question"})
    failures = float(sum(loaded.failures for loaded in loads))
    return Outcome(
        (
            Figure("generations, the most of any round", max(generations), "", Target(at_most=1), tuple(generations)),
            Figure("failures", failures, "", Target(at_most=0)),
            Figure.of("the slowest reply", [loaded.p(1.0) for loaded in loads], "s"),
        ),
        settings=conditions,
        notes=(f"generator: {generator_usage(loads)['generator us/request']:.0f} us CPU per request",),
        distributions={"reply s": distribution([seconds for loaded in loads for seconds in loaded.seconds])},
    )
