"""Ten thousand requests of every kind: memory, threads, files and connections of the server must not grow."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

import psutil
import psycopg

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import fresh_questions
from monitoring.lab.benchmarks.load.mixed_traffic import MixedTraffic
from monitoring.lab.benchmarks.measuring.indexing_workers import indexing_workers, make_corpus
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Series, Target
from monitoring.lab.benchmarks.reports.growth import growth_of
from monitoring.lab.testbed.corpus import CORPUS
from monitoring.lab.testbed.serving import ServerProcess

QUICK_REQUESTS, FULL_REQUESTS = 1_000, 10_000
SAMPLES = 50
CLIENTS = 8
QUESTIONS = 97  # so few that every cache has met all of them in the first fifth; prime, so that each kind meets all
UPLOADS = "soak-uploads"
MEGABYTE = 2**20
# What may be added whatever it was: (name, unit, constant). Memory of both workers together.
KINDS = (
    ("private memory", "MB", 6.0),
    ("resident memory", "MB", 6.0),
    ("threads", "", 4.0),
    ("file descriptors", "", 6.0),
    ("database connections", "", 2.0),
)


@dataclass
class _Samples:
    """What the server's workers had, by kind, in the order of KINDS; `done` requests had been answered by then."""

    done: list[int] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=lambda: [[] for _ in KINDS])

    def take(self, done: int, server: ServerProcess, database_url: str) -> None:
        """Measure all workers now."""
        looks = [_look(worker) for worker in server.workers]
        sums = [sum(column) for column in zip(*looks, strict=True)]
        self.done.append(done)
        for values, value in zip(self.values, [*sums, _connections(database_url)], strict=True):
            values.append(value)


@scenario("soak", "10,000 mixed requests: no unexpected outcome; memory, threads, descriptors and connections flat")
def run(bench: Bench) -> Outcome:
    """Send them all, and look now and then."""
    count = QUICK_REQUESTS if bench.quick else FULL_REQUESTS
    stage, samples = bench.stage, _Samples()
    with stage.standin() as standin, stage.serving(standin) as (server, _):
        environment = {**stage.environment, "OLLAMA_BASE_URL": standin.url}
        api_key = run_inside(environment, make_corpus, slug=UPLOADS)
        questions = list(itertools.islice(fresh_questions(), QUESTIONS))
        traffic = MixedTraffic(server.url, CORPUS, UPLOADS, api_key, questions)
        step = count // SAMPLES
        bench.say(f"{count} requests")

        def look_now_and_then(done: int) -> None:
            if done % step == 0:
                samples.take(done, server, environment["DATABASE_URL"])
            if done % (10 * step) == 0:
                bench.say(f"... {done}")

        started = time.monotonic()
        with indexing_workers(environment, stage.folder, 1):
            tally = traffic.send(count, clients=CLIENTS, on_done=look_now_and_then)
        seconds = time.monotonic() - started
        workers = [worker.pid for worker in server.workers]
    figures = [
        Figure(
            "unexpected outcomes",
            sum(tally.unexpected.values()),
            "",
            Target(at_most=0),
            note=", ".join(f"{what} x{times}" for what, times in tally.unexpected.most_common(5)),
        ),
        Figure("mixed requests", count / seconds, "/s", lower_is_better=False),
    ]
    for (name, unit, constant), values in zip(KINDS, samples.values, strict=True):
        growth = growth_of(values)
        figures.append(
            Figure(
                f"growth of {name}",
                growth.absolute,
                unit,
                Target(at_most=round(growth.allowed(constant), 2)),
                note=f"{growth.early:.1f} in the second fifth, {growth.late:.1f} in the last",
            )
        )
    return Outcome(
        tuple(figures),
        tuple(
            Series(name, tuple(zip(samples.done, values, strict=True)), "requests", unit or name)
            for (name, unit, _), values in zip(KINDS, samples.values, strict=True)
        ),
        settings={"requests": count, "clients": CLIENTS, "kinds": dict(tally.kinds), "web workers": len(workers)},
    )


def _look(worker: psutil.Process) -> tuple[float, float, float, float]:
    """Return private and resident MB, threads and open files of one worker."""
    memory = worker.memory_full_info()
    return memory.uss / MEGABYTE, memory.rss / MEGABYTE, float(worker.num_threads()), float(worker.num_fds())


def _connections(database_url: str) -> float:
    """Return how many connections the database has, but this one."""
    with psycopg.connect(database_url) as database:
        row = database.execute(
            "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).fetchone()
    assert row is not None
    return float(row[0])
