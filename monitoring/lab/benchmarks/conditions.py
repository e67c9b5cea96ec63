"""Conditions that the scenarios with questions share: the model server's pace, the questions, and good answers."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.question_corpus import questions
from monitoring.lab.benchmarks.load.runner import Load, Loaded, Step, post, run_load
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.corpus import CORPUS
from monitoring.lab.testbed.serving import ServerProcess

QUERY, SEARCH = "/api/v1/query", "/api/v1/search"
ANSWER_TOKENS, TOKENS_PER_SECOND = 200, 100.0  # an answer of 2 s
EMBED_SECONDS = 0.05  # a call
PARALLEL = 2000  # the model server is never what is short: the service in front of it is measured
PACE: dict[str, Any] = {
    "tokens": ANSWER_TOKENS,
    "tokens_per_second": TOKENS_PER_SECOND,
    "embed_seconds": EMBED_SECONDS,
    "embed_parallel": PARALLEL,
    "num_parallel": PARALLEL,
}
AT_ONCE: dict[str, Any] = {"tokens_per_second": 0.0, "embed_seconds": 0.0}  # while something is prepared
STREAMED = ("event: done", '"answer_mode": "generated"', '"degraded": false')  # what a good stream ends with
GENERATED, CACHED, SEMANTIC = (
    (f'"answer_mode":"{mode}"', '"degraded":false') for mode in ("generated", "cached", "cached_semantic")
)
FIRST_TOKEN = "event: token"  # noqa: S105 - of a stream
KNOWN_REQUESTS = 400  # requests to the model that are sent again, directly

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answering:
    """A server that is asked questions, in a report under `name`. `program`: what its processes are called there."""

    name: str
    program: str
    url: str
    pid: int  # of the head of its processes
    path: str = QUERY


def fresh_questions() -> Iterator[str]:
    """Yield questions that nobody has asked before in this process's benchmarks."""
    return questions(next(_numbers) * 12_000 % 80_000)


def asked(question: str, *, path: str = QUERY, **fields: object) -> list[Step]:
    """Return the request that asks this."""
    return [post(path, query=question, corpora=[CORPUS], **fields)]


def streams(questions_left: Iterator[str], count: int, *, path: str = QUERY) -> list[list[Step]]:
    """Return so many requests for streamed answers, each to another question."""
    return [asked(next(questions_left), path=path, stream=True) for _ in range(count)]


def settings_of(bench: Bench, **more: object) -> dict[str, object]:
    """Return the conditions that every report names."""
    with psycopg.connect(bench.stage.environment["DATABASE_URL"]) as connection:
        chunks = connection.execute("SELECT count(*) FROM documents_chunk").fetchone()
    return {
        "model s/answer": ANSWER_TOKENS / TOKENS_PER_SECOND,
        "model tokens": ANSWER_TOKENS,
        "embedding s": EMBED_SECONDS,
        "chunks": chunks[0] if chunks else 0,
        "web workers": 2,
        **more,
    }


def processes_of(bench: Bench, server: ServerProcess, standin: StandInProcess) -> dict[str, int]:
    """Return the heads of all that takes part in a request, for the meter; the load generator counts itself."""
    postmaster = int((bench.stage.postgres_directory / "postmaster.pid").read_text().split()[0])
    assert standin.pid is not None
    return {"gunicorn": server.process.pid, "postgres": postmaster, "model server": standin.pid}


def ask_models_directly(
    bench: Bench, server: ServerProcess, standin: StandInProcess, questions_left: Iterator[str]
) -> list[list[Step]]:
    """Return requests that ask the model server what the service asks it: one embedding, then one streamed answer.

    They are recorded from the service's own, so that prompts are as long, and cost the model server as much.
    """
    standin.set(**AT_ONCE)
    before = {operation: len(standin.requests(operation)) for operation in ("embed", "chat")}
    count = 50 if bench.quick else KNOWN_REQUESTS
    run_load(server.url, Load(streams(questions_left, count), clients=8, count=count, good=STREAMED))
    embeds, chats = (
        [json.dumps(body) for body in standin.requests(operation)[known:]] for operation, known in before.items()
    )
    standin.set(**PACE)
    pairs = zip(embeds, chats, strict=False)
    found = [[("POST", "/api/embed", embed), ("POST", "/api/chat", chat)] for embed, chat in pairs]
    if not found:
        raise RuntimeError(f"the service asked the model nothing:\n{server.log.read_text()[-800:]}")
    return found


def wait_until_quiet(standin: StandInProcess, seconds: float = 20.0) -> None:
    """Return when the model server has nothing left to do."""
    give_up_at = time.monotonic() + seconds
    while standin.state()["active_generations"] and time.monotonic() < give_up_at:
        time.sleep(0.05)


def generator_usage(loads: Sequence[Loaded]) -> dict[str, Any]:
    """Return what the load generator itself cost, for the report's conditions."""
    requests = sum(len(loaded.requests) for loaded in loads)
    return {"generator us/request": 1e6 * sum(loaded.cpu_seconds for loaded in loads) / max(1, requests)}
