"""Starts, fills and warms up the peer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import (
    AT_ONCE,
    FIRST_TOKEN,
    KNOWN_REQUESTS,
    PACE,
    STREAMED,
    Answering,
    streams,
)
from monitoring.lab.benchmarks.load.runner import Load, run_load
from monitoring.lab.benchmarks.peer.running import ASK, PeerProcess
from monitoring.lab.ollama_simulator.processes import StandInProcess


@contextmanager
def peers_beside(bench: Bench, standin: StandInProcess, questions_left: Iterator[str]) -> Iterator[list[Answering]]:
    """Run the peer that the bench was given until the block ends, and give it; an empty list when there is none.

    Raises RuntimeError with what it said when it does not start, or does not answer.
    """
    if bench.peer is None:
        yield []
        return
    bench.say("filling and starting the peer")
    standin.set(**AT_ONCE)
    with PeerProcess(bench.peer, bench.stage.folder, bench.stage.environment["DATABASE_URL"], standin) as process:
        peer = Answering("peer", "uvicorn", process.url, process.pid, ASK)
        try:
            warm_up(peer, questions_left, 50 if bench.quick else KNOWN_REQUESTS)
        except NoAnswers as error:
            raise RuntimeError(f"{error}:\n{process.last_words()}") from error
        standin.set(**PACE)
        yield [peer]


class NoAnswers(RuntimeError):
    """The peer was asked, and did not answer as it should."""


def warm_up(peer: Answering, questions_left: Iterator[str], count: int) -> None:
    """Ask the peer as much as our server was asked before anything is measured. Raises NoAnswers."""
    asked = streams(questions_left, count, path=peer.path)
    loaded = run_load(peer.url, Load(asked, clients=8, count=count, good=STREAMED, first_token=FIRST_TOKEN))
    if loaded.failures:
        raise NoAnswers(f"{loaded.failures} of {count} questions to the peer got no answer")
