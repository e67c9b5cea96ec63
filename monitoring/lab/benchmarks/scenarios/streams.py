"""Streamed answers to new questions: one reader, 50, 200 and 500 at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import (
    ANSWER_TOKENS,
    EMBED_SECONDS,
    FIRST_TOKEN,
    PACE,
    STREAMED,
    TOKENS_PER_SECOND,
    Answering,
    ask_models_directly,
    fresh_questions,
    processes_of,
    settings_of,
    streams,
    wait_until_quiet,
)
from monitoring.lab.benchmarks.load.runner import Load, Loaded, Step, run_load
from monitoring.lab.benchmarks.measuring.process_usage import UsageMeter
from monitoring.lab.benchmarks.peer.beside import peers_beside
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Series, Target, distribution, percentile
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.serving import ServerProcess

ANSWER_SECONDS = ANSWER_TOKENS / TOKENS_PER_SECOND + EMBED_SECONDS
CLIENTS = (50, 200, 500)
# What an operator sets who expects so many readers; threads are for one worker, should it get most of them.
SERVER_SETTINGS = {"WEB_THREADS": 512, "MAX_OPEN_STREAMS": 500, "OLLAMA_MAX_CONCURRENCY": 512}
MEGABYTE = 1e6


@dataclass
class Round:
    """What one round found: loads by the number of clients, on one server and on the model server directly."""

    of: Answering
    service: dict[int, Loaded] = field(default_factory=dict)
    direct: dict[int, Loaded] = field(default_factory=dict)
    burst: tuple[Loaded, Loaded] | None = None
    meters: dict[int, UsageMeter] = field(default_factory=dict)


class Place:
    """A server, its model server, and who asks them."""

    def __init__(self, bench: Bench, server: ServerProcess, standin: StandInProcess) -> None:
        self.bench, self.server, self.standin = bench, server, standin
        self.questions: Iterator[str] = fresh_questions()
        self.servers = [Answering("service", "gunicorn", server.url, server.process.pid)]
        self.model_requests = ask_models_directly(bench, server, standin, self.questions)

    def ask(self, server: Answering, clients: int, **how: float | int) -> Loaded:
        """Return what came of asking one of the servers."""
        expected = int(how.get("count", clients * (how.get("seconds", 0) / ANSWER_SECONDS + 2)))
        asked = streams(self.questions, expected, path=server.path)
        found = self._run(server.url, asked, clients, STREAMED, FIRST_TOKEN, how)
        wait_until_quiet(self.standin)
        return found

    def ask_model(self, clients: int, **how: float | int) -> Loaded:
        """Return what came of asking the model server the same."""
        return self._run(self.standin.url, self.model_requests, clients, ('"done":true',), '"content":', how)

    def processes(self, server: Answering) -> dict[str, int]:
        """Return what takes part when this server is asked, for the meter."""
        shared = processes_of(self.bench, self.server, self.standin)
        return {server.program: server.pid, **{name: shared[name] for name in ("postgres", "model server")}}

    def _run(
        self,
        url: str,
        requests: Sequence[Sequence[Step]],
        clients: int,
        good: tuple[str, ...],
        first_token: str,
        how: dict[str, float | int],
    ) -> Loaded:
        return run_load(
            url,
            Load(requests, clients, good=good, first_token=first_token, keep_alive=False, **how),  # type: ignore[arg-type]
        )


@scenario("streams", "streamed answers to new questions: 1, 50, 200 and 500 readers, beside the model asked directly")
def run(bench: Bench) -> Outcome:
    """Measure streams, and return the figures."""
    rounds = bench.choose_rounds(quick=1)
    with (
        bench.stage.standin(**PACE) as standin,
        bench.stage.serving(standin, **SERVER_SETTINGS) as (server, _),
    ):
        place = Place(bench, server, standin)
        with peers_beside(bench, standin, place.questions) as peers:
            place.servers += peers
            found = []
            for number in range(rounds):
                bench.say(f"round {number + 1} of {rounds}")
                found.append(_round(place, number))
    more = {"peer": "uvicorn, 2 workers"} if bench.peer else {}
    return _outcome(
        [list(rounds_of_one) for rounds_of_one in zip(*found, strict=True)],
        settings_of(bench, **{"clients": "1, 50, 200, 500", "hit rate": 0}, **SERVER_SETTINGS, **more),
        (bench.peer.note,) if bench.peer else (),
    )


def _outcome(found: Sequence[Sequence[Round]], conditions: dict[str, object], notes: tuple[str, ...]) -> Outcome:
    """Return what there is to report of each server's rounds. The first server's figures have targets."""
    figures = [*_figures(found[0])]
    for rounds in found[1:]:
        figures += [replace(each, name=f"{rounds[0].of.name}: {each.name}", target=None) for each in _figures(rounds)]
    return Outcome(
        tuple(figures),
        tuple(_curves(found)),
        conditions,
        (*notes, *(note for rounds in found for note in _notes(rounds))),
        dict(_distributions(found)),
    )


def _round(place: Place, number: int) -> list[Round]:
    """Return what was found of each server. They are asked in turns, and are held against the same model's own.

    Another one begins in each round: what a server does after its answers may slow the next one.
    """
    quick = place.bench.quick
    direct: dict[int, Loaded] = {}
    found = [Round(server, direct=direct) for server in place.servers]
    turns = found[::-1] if number % 2 else found
    # The first token comes as early in a short answer, so one reader asks for many of those.
    place.standin.set(tokens=20)
    direct[1] = place.ask_model(1, count=5 if quick else 20)
    for each in turns:
        each.service[1] = place.ask(each.of, 1, count=5 if quick else 20)
    place.standin.set(tokens=ANSWER_TOKENS)
    burst = place.ask_model(50, count=50)
    for each in turns:
        each.burst = burst, place.ask(each.of, 50, count=50)
    for clients in CLIENTS:
        # As long as an answer at least: then the first ones end when the last ones begin, and the rate is steady.
        ramp = 4.0 if clients == 500 and not quick else ANSWER_SECONDS
        seconds = ramp + (2.5 if quick else 10.0)
        if not (quick and clients == 50):
            direct[clients] = place.ask_model(clients, seconds=seconds, ramp_seconds=ramp)
        for each in turns:
            doing = f"{clients} streaming clients" + ("" if each.of.name == "service" else f", {each.of.name}")
            with place.bench.metered(doing, place.processes(each.of)) as meter:
                each.service[clients] = place.ask(each.of, clients, seconds=seconds, ramp_seconds=ramp)
                meter.note(each.service[clients].usage)
            each.meters[clients] = meter
    return found


def _figures(rounds: Sequence[Round]) -> Iterator[Figure]:
    program = rounds[0].of.program
    bursts = [round_.burst for round_ in rounds if round_.burst]
    yield Figure.of(
        "50 questions at once: the slowest, against the model's own slowest",
        [service.p(1.0) / direct.p(1.0) for direct, service in bursts],
        "x",
        Target(at_most=1.15),
    )
    yield Figure.of(
        "first token p95, 50 questions at once",
        [percentile(service.first_token_seconds, 0.95) for _, service in bursts],
        "s",
        Target(at_most=0.20),
    )
    yield Figure.of(
        "first token p95, 50 clients",
        [_late_first(r.service[50]) for r in rounds],
        "s",
        Target(at_most=0.25),
    )
    for process, most in ((program, 20.0), ("postgres", 8.0)):
        yield Figure.of(
            f"CPU per answer, 50 clients: {process}",
            [1000 * r.meters[50].cpu_seconds(process) / max(1, len(r.service[50].requests)) for r in rounds],
            "ms",
            Target(at_most=most),
        )
    yield Figure.of(
        "first token p50, one client, over the model's own",
        [1000 * (_median_first(r.service[1]) - _median_first(r.direct[1])) for r in rounds],
        "ms",
        Target(at_most=15.0),
    )
    yield Figure.of("answers/s, 200 clients", [_rate(r.service[200]) for r in rounds], "/s", lower_is_better=False)
    yield Figure.of(
        "answers/s, 200 clients, against the model's own",
        [_rate(r.service[200]) / max(_rate(r.direct[200]), 1e-9) for r in rounds],
        "x",
        Target(at_least=0.85),
        lower_is_better=False,
    )
    yield Figure.of("answers/s, 500 clients", [_rate(r.service[500]) for r in rounds], "/s", lower_is_better=False)
    yield Figure(
        "failures, all clients",
        float(sum(loaded.failures for r in rounds for loaded in r.service.values())),
        "",
        Target(at_most=0),
    )
    yield Figure.of(
        "first token p95, 500 clients, over the model's own p95",
        [_late_first(r.service[500]) - _late_first(r.direct[500]) for r in rounds],
        "s",
        Target(at_most=1.0),
    )
    private = [[r.meters[500].private_bytes(name) for name in (program, "postgres")] for r in rounds]
    yield Figure.of(
        "private memory of the largest worker, 500 clients",
        [max(workers, default=math.nan) / MEGABYTE for workers, _ in private],
        "MB",
        Target(at_most=250.0),
    )
    yield Figure.of(
        "private memory of service and Postgres, 500 clients",
        [sum(map(sum, both)) / MEGABYTE for both in private],
        "MB",
        Target(at_most=1000.0),
    )


def _curves(found: Sequence[Sequence[Round]]) -> Iterator[Series]:
    for name, loads in (
        *((rounds[0].of.name, [round_.service for round_ in rounds]) for rounds in found),
        ("model asked directly", [round_.direct for round_ in found[0]]),
    ):
        clients = sorted(number for number in loads[0] if number > 1)
        rates = tuple((float(n), percentile([_rate(load[n]) for load in loads], 0.5)) for n in clients)
        yield Series(name, rates, "clients", "answers per second")
        firsts = tuple((float(n), percentile([_late_first(load[n]) for load in loads], 0.5)) for n in clients)
        yield Series(name, firsts, "clients", "first token p95, s")


def _distributions(found: Sequence[Sequence[Round]]) -> Iterator[tuple[str, dict[str, float]]]:
    for name, by_clients in (
        *((rounds[0].of.name, [round_.service for round_ in rounds]) for rounds in found),
        ("model", [round_.direct for round_ in found[0]]),
    ):
        for clients in sorted(by_clients[0]):
            loads = [each[clients] for each in by_clients]
            firsts = [seconds for loaded in loads for seconds in _first_tokens(loaded)]
            yield f"{name}, {clients} clients: first token s", distribution(firsts)
            whole = [request.seconds for loaded in loads for request in loaded.settled(skip_seconds=_skip(loaded))]
            yield f"{name}, {clients} clients: whole answer s", distribution(whole)


def _notes(rounds: Sequence[Round]) -> Iterator[str]:
    """Yield the statuses of failed requests, to explain failures."""
    of = "" if rounds[0].of.name == "service" else f" ({rounds[0].of.name})"
    for clients in sorted(rounds[0].service):
        if statuses := sum((round_.service[clients].failed_statuses for round_ in rounds), Counter[int]()):
            told = ", ".join(f"{count} with status {status}" for status, count in sorted(statuses.items()))
            meant = "0: no complete reply; 200: not the answer that was asked for"
            yield f"failures, {clients} clients{of}: {told} ({meant})"


def _skip(loaded: Loaded) -> float:
    """Return the seconds until all clients ask: those that began in a rush are not what is meant by so many."""
    return loaded.load.ramp_seconds


def _rate(loaded: Loaded) -> float:
    return loaded.per_second(skip_seconds=_skip(loaded) + 0.2)


def _first_tokens(loaded: Loaded) -> list[float]:
    return [request.first_token_seconds for request in loaded.settled(skip_seconds=_skip(loaded))]


def _late_first(loaded: Loaded) -> float:
    return percentile(_first_tokens(loaded), 0.95)


def _median_first(loaded: Loaded) -> float:
    return percentile(loaded.first_token_seconds, 0.5)
