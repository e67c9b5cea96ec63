"""Cached answers: their rate compared with a constant view, and their latency compared with fresh answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import (
    AT_ONCE,
    CACHED,
    EMBED_SECONDS,
    GENERATED,
    PACE,
    SEARCH,
    SEMANTIC,
    asked,
    fresh_questions,
    generator_usage,
    processes_of,
    settings_of,
)
from monitoring.lab.benchmarks.data.question_corpus import in_other_words
from monitoring.lab.benchmarks.load.runner import Load, Loaded, Step, run_load
from monitoring.lab.benchmarks.measuring.process_usage import UsageMeter
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Target, distribution, percentile
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.serving import ServerProcess

CLIENTS = 50
QUESTIONS = 20  # that are asked again and again
CONSTANT: list[Step] = [("POST", "/benchmark/constant", "{}")]
SERVER_SETTINGS = {"DJANGO_SETTINGS_MODULE": "monitoring.lab.benchmarks.reference.settings"}


@dataclass
class Flood:
    """What many clients got from one view, and what that cost."""

    loaded: Loaded
    meter: UsageMeter

    @property
    def per_second(self) -> float:
        """Return the good replies per second."""
        return self.loaded.per_second(skip_seconds=0.5)

    @property
    def cpu_ms(self) -> float:
        """Return the CPU time of the web workers per request."""
        return 1000 * self.meter.cpu_seconds("gunicorn") / max(1, len(self.loaded.requests))


_View = tuple[list[Flood], str, Sequence[Sequence[Step]], tuple[str, ...]]  # where floods go, name, requests, good


@dataclass
class Paces:
    """Seconds that one reader waits."""

    fresh: list[float]
    exact: list[float]
    semantic: list[float]
    semantic_known: list[float]  # ... when the question's vector is known already


@scenario("cache", "cached answers beside a view that returns a constant, and beside fresh answers")
def run(bench: Bench) -> Outcome:
    """Measure cached answers, and return the figures."""
    constants: list[Flood] = []
    cached: list[Flood] = []
    # Short rounds, and each view is first in every other one: a shared machine is now faster, now slower, for seconds.
    seconds = 3.0 if bench.quick else 5.0
    with (
        bench.stage.standin(**PACE) as standin,
        bench.stage.serving(standin, **SERVER_SETTINGS) as (server, _),
    ):
        place = _Place(bench, server, standin)
        paces = place.paces(3 if bench.quick else 15)
        known = place.known(QUESTIONS)
        views: list[_View] = [
            (constants, "constant view", [CONSTANT], ()),
            (cached, "cached answers", known, CACHED),
        ]
        for _, _, requests, good in views:  # unmeasured: threads start, and open their connections
            run_load(server.url, Load(requests, CLIENTS, seconds=2.0, good=good))
        for number in range(bench.choose_rounds(full=15)):
            bench.say(f"round {number + 1}: constant and cached, {CLIENTS} clients")
            for floods, doing, requests, good in views if number % 2 == 0 else reversed(views):
                floods.append(place.flood(doing, requests, good, seconds))
    conditions = settings_of(bench, clients=CLIENTS, **{"hit rate": 1, "questions": QUESTIONS})
    loads = [flood.loaded for flood in [*constants, *cached]]
    return Outcome(
        (*_figures_of_floods(constants, cached), *_figures_of_paces(paces)),
        settings=conditions,
        notes=(
            f"generator: {generator_usage(loads)['generator us/request']:.0f} us CPU per request, for both views",
            f"a question in new words waits for its embedding, {1000 * EMBED_SECONDS:.0f} ms of the model server's: "
            f"no cache can be more than {percentile(paces.fresh, 0.5) / EMBED_SECONDS:.0f}x sooner then",
        ),
        distributions={
            "constant view s": distribution([each for flood in constants for each in flood.loaded.seconds]),
            "cached s": distribution([each for flood in cached for each in flood.loaded.seconds]),
            "fresh, one client s": distribution(paces.fresh),
            "cached, one client s": distribution(paces.exact),
            "cached in other words, one client s": distribution(paces.semantic),
        },
    )


class _Place:
    def __init__(self, bench: Bench, server: ServerProcess, standin: StandInProcess) -> None:
        self.bench, self.server, self.standin = bench, server, standin
        self.questions = fresh_questions()

    def flood(self, doing: str, requests: Sequence[Sequence[Step]], good: tuple[str, ...], seconds: float) -> Flood:
        """Return what CLIENTS clients got in that time."""
        with self.bench.metered(doing, processes_of(self.bench, self.server, self.standin)) as meter:
            loaded = run_load(self.server.url, Load(requests, CLIENTS, seconds=seconds, good=good))
            meter.note(loaded.usage)
        return Flood(loaded, meter)

    def known(self, count: int) -> list[list[Step]]:
        """Return requests whose answers every worker has in its memory."""
        self.standin.set(**AT_ONCE)
        requests = [asked(next(self.questions)) for _ in range(count)]
        self._one_after_the_other(requests, GENERATED)
        # Each on a new connection, which any worker may take.
        run_load(self.server.url, Load(requests, 8, count=20 * count, good=CACHED, keep_alive=False))
        self.standin.set(**PACE)
        return requests

    def paces(self, count: int) -> Paces:
        """Return how long one reader waits for a fresh answer, the same one again, and one in other words."""
        texts = [next(self.questions) for _ in range(2 * count)]
        originals = [asked(text) for text in texts]
        fresh = self._one_after_the_other(originals[:count], GENERATED)
        exact = self._one_after_the_other(originals[:count] * 20, CACHED)
        self.standin.set(**AT_ONCE)
        self._one_after_the_other(originals[count:], GENERATED)
        self.standin.set(**PACE)
        semantic = self._one_after_the_other([asked(in_other_words(text)) for text in texts[:count]], SEMANTIC)
        others = [in_other_words(text) for text in texts[count:]]
        # A search makes the vector known, and answers nothing; several, so that every worker knows it.
        self._one_after_the_other([asked(text, path=SEARCH) for text in others * 4], ('"passages"',))
        known = self._one_after_the_other([asked(text) for text in others], SEMANTIC)
        return Paces(fresh, exact, semantic, known)

    def _one_after_the_other(self, requests: Sequence[Sequence[Step]], good: tuple[str, ...]) -> list[float]:
        """Return the seconds of each good reply. Raises RuntimeError when none is what it should be."""
        loaded = run_load(self.server.url, Load(requests, count=len(requests), good=good, keep_alive=False))
        if not loaded.good:
            raise RuntimeError(f"no reply has {good}; statuses: {sorted({each.status for each in loaded.requests})}")
        return loaded.seconds


def _figures_of_floods(constants: Sequence[Flood], cached: Sequence[Flood]) -> Iterator[Figure]:
    yield Figure.of("constant view, requests/s", [each.per_second for each in constants], "/s", lower_is_better=False)
    yield Figure.of("cached answers/s", [each.per_second for each in cached], "/s", lower_is_better=False)
    yield Figure.of(
        "cached answers/s, against the constant view",
        [mine.per_second / max(base.per_second, 1e-9) for mine, base in zip(cached, constants, strict=True)],
        "x",
        Target(at_least=0.70),
        lower_is_better=False,
    )
    yield Figure.of(
        "cached answer p99, 50 clients", [1000 * each.loaded.p(0.99) for each in cached], "ms", Target(at_most=100.0)
    )
    yield Figure.of("CPU per request: constant view", [each.cpu_ms for each in constants], "ms")
    yield Figure.of("CPU per request: cached answer", [each.cpu_ms for each in cached], "ms")
    failures = float(sum(each.loaded.failures for each in [*constants, *cached]))
    yield Figure("failures", failures, "", Target(at_most=0))


def _figures_of_paces(paces: Paces) -> Iterator[Figure]:
    fresh = percentile(paces.fresh, 0.5)
    for name, seconds, target in (
        ("same question again", paces.exact, Target(at_least=200.0)),
        ("in other words", paces.semantic, None),  # waits for the embedding: see the note
        ("in other words, their vector known", paces.semantic_known, Target(at_least=50.0)),
    ):
        waited = percentile(seconds, 0.5)
        yield Figure(f"{name}, one client: p50", 1000 * waited, "ms")
        speed_up = Figure(f"{name}: sooner than a fresh answer", fresh / waited, "x", target, lower_is_better=False)
        yield speed_up
