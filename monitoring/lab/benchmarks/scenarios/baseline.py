"""Baseline figures for later comparison: up time, percentiles, throughput, concurrent capacity."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import (
    ANSWER_TOKENS,
    AT_ONCE,
    EMBED_SECONDS,
    PACE,
    SEARCH,
    TOKENS_PER_SECOND,
    asked,
    fresh_questions,
    generator_usage,
    processes_of,
    settings_of,
)
from monitoring.lab.benchmarks.load.runner import Load, Loaded, Step, run_load
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Series, Target, distribution, percentile
from monitoring.lab.testbed.background import Background
from monitoring.lab.testbed.serving import ServerProcess

STEPS, QUICK_STEPS = (10, 25, 50, 100, 150, 200), (10, 50, 100)
NOTED = 50  # clients whose percentiles the report is about
KINDS = ("new question", "known question", "search")  # in turn: every other question is one that was asked before
KNOWN = 20
ANSWER_SECONDS = ANSWER_TOKENS / TOKENS_PER_SECOND + EMBED_SECONDS
# So many clients can be served as long as nearly none fails, and an answer takes not much longer than the model.
MOST_ERRORS, MOST_SECONDS = 0.01, 1.5 * ANSWER_SECONDS
LOOK_SECONDS = 0.1


@scenario("baseline", "up time, p50, p95, p99, throughput, concurrent capacity under a mixed load")
def run(bench: Bench) -> Outcome:
    """Measure the baseline, and return the figures."""
    steps = QUICK_STEPS if bench.quick else STEPS
    seconds = 4.0 if bench.quick else 12.0
    rounds = bench.choose_rounds(quick=1)
    found: dict[int, list[Loaded]] = {}
    with bench.stage.standin(**PACE) as standin, bench.stage.serving(standin) as (server, _):
        questions = fresh_questions()
        known = [asked(next(questions)) for _ in range(KNOWN)]
        standin.set(**AT_ONCE)
        run_load(server.url, Load(known, 4, count=KNOWN))
        standin.set(**PACE)
        with _Watch(server) as watch:
            for number in range(rounds):
                for clients in steps:
                    bench.say(f"round {number + 1} of {rounds}: {clients} clients")
                    requests = list(_mix(questions, known, clients, seconds))
                    with bench.metered(f"{clients} clients", processes_of(bench, server, standin)) as meter:
                        loaded = run_load(server.url, Load(requests, clients, seconds=seconds, ramp_seconds=1.0))
                        meter.note(loaded.usage)
                    found.setdefault(clients, []).append(loaded)
    loads = [loaded for step in found.values() for loaded in step]
    return Outcome(
        tuple(_figures(found, watch)),
        (
            Series("all requests", _curve(found, _per_second), "clients", "requests per second"),
            Series("new question, p95", _curve(found, _new_p95), "clients", "seconds"),
        ),
        settings_of(bench, clients=", ".join(map(str, steps)), **{"mix": " / ".join(KINDS), "hit rate": 0.5}),
        (
            f"capacity: at most {MOST_ERRORS:.0%} errors, and a new answer's p95 within {MOST_SECONDS:.1f} s",
            f"generator: {generator_usage(loads)['generator us/request']:.0f} us CPU per request",
        ),
        {f"{kind}, {NOTED} clients s": distribution(_seconds(found[NOTED], kind)) for kind in KINDS},
    )


class _Watch(Background):
    """Asks whether the server is up, again and again, until the `with` block ends."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__("uptime-watch")
        self._server = server
        self._looks: list[bool] = []
        self._ended = threading.Event()

    def stop(self) -> None:
        """Stop checking."""
        self._ended.set()

    @property
    def share_up(self) -> float:
        """Return the share of looks that found it up, 0..1."""
        return sum(self._looks) / len(self._looks) if self._looks else 0.0

    def work(self) -> None:
        """Check the health of the server every LOOK_SECONDS until `stop`."""
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self._looks.append(self._server.get("/health/live", timeout_seconds=2.0)[0] == 200)
            except OSError:
                self._looks.append(False)


def _mix(questions: Iterator[str], known: Sequence[list[Step]], clients: int, seconds: float) -> Iterator[list[Step]]:
    """Yield requests, the kinds in turn, more than will be sent."""
    for number in range(int(clients * seconds * 2) + 100):
        yield asked(next(questions))
        yield known[number % len(known)]
        yield asked(next(questions), path=SEARCH)


def _figures(found: dict[int, list[Loaded]], watch: _Watch) -> Iterator[Figure]:
    noted = found[NOTED]
    yield Figure("up time", 100 * watch.share_up, "%", Target(at_least=100.0), lower_is_better=False)
    yield Figure.of("error rate", [100 * loaded.error_rate for loaded in noted], "%", Target(at_most=0.0))
    for share in (0.5, 0.95, 0.99):
        yield Figure.of(f"all requests, p{100 * share:.0f}", [loaded.p(share) for loaded in noted], "s")
    new = [_kind(loaded, KINDS[0]) for loaded in noted]
    for share in (0.5, 0.95, 0.99):
        yield Figure.of(f"new question, p{100 * share:.0f}", [percentile(seconds, share) for seconds in new], "s")
    yield Figure.of("new question, the slowest", [max(seconds) for seconds in new], "s", Target(at_most=10.0))
    yield Figure.of("throughput", [_per_second(loaded) for loaded in noted], "/s", lower_is_better=False)
    capacities = [float(_capacity({n: loads[number] for n, loads in found.items()})) for number in range(len(noted))]
    yield Figure.of(
        "concurrent capacity",
        capacities,
        "clients",
        Target(at_least=50.0),
        lower_is_better=False,
        note="the most clients that were tried and served well",
    )


def _capacity(steps: dict[int, Loaded]) -> int:
    """Return the most clients that were served as they should be, with no fewer that were not."""
    served = 0
    for clients, loaded in sorted(steps.items()):
        if loaded.error_rate > MOST_ERRORS or not _new_p95(loaded) <= MOST_SECONDS:
            break
        served = clients
    return served


def _curve(found: dict[int, list[Loaded]], of: Callable[[Loaded], float]) -> tuple[tuple[float, float], ...]:
    return tuple(
        (float(clients), percentile([of(loaded) for loaded in loads], 0.5)) for clients, loads in sorted(found.items())
    )


def _per_second(loaded: Loaded) -> float:
    return loaded.per_second(skip_seconds=1.0)


def _new_p95(loaded: Loaded) -> float:
    return percentile(_kind(loaded, KINDS[0]), 0.95)


def _kind(loaded: Loaded, kind: str) -> list[float]:
    """Return the seconds of the good requests of one kind."""
    return [each.seconds for each in loaded.good if each.number % len(KINDS) == KINDS.index(kind)]


def _seconds(loads: Sequence[Loaded], kind: str) -> list[float]:
    return [seconds for loaded in loads for seconds in _kind(loaded, kind)]
