"""Model server that dies, or hangs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

from monitoring.lab.testbed.client import Asking, Reply
from monitoring.lab.testbed.corpus import CORPUS, QUESTIONS
from monitoring.lab.testbed.invariants import Invariant, at_most, holds, of_replies, p99, percentile
from monitoring.lab.testbed.observer import (
    amplification,
    changes,
    everything_returned,
    openings,
    wait_for,
    wait_for_circuits,
)
from monitoring.lab.testbed.serving import ServerProcess
from monitoring.lab.testbed.stage import RECOVERY_SECONDS, Stage

OPEN_SECONDS, OPEN_CALLS = 3.0, 10
RECOVER_SECONDS = 10.0  # after the open time
QUERY, STREAM = Asking(), Asking(stream=True)


def outage(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Stop the model server, ask six questions at once, look at /health, start it, wait, ask again."""
    with stage.standin() as standin, stage.serving(standin) as (server, _):
        yield holds("CLOSED before the outage", server.circuits() == {"CLOSED"}, server.circuits(), "CLOSED")
        standin.kill()
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(lambda question: _post(server, question), QUESTIONS[:6]))
        yield holds("six questions at once during the outage", set(statuses) == {200}, statuses, "six times 200")
        health = server.get_json("/health")
        circuit = health["services"]["ollama"]["circuit_breaker"]["state"]
        yield holds("/health shows the circuit", circuit == "OPEN", circuit, "OPEN")
        yield holds("/health shows the state", health["status"] == "degraded", health["status"], "degraded")
        yield holds("/health/live during the outage", server.get("/health/live")[0] == 200)
        standin.start()
        recovered = wait_for(lambda: "OPEN" not in server.circuits(), RECOVERY_SECONDS + 5)
        yield at_most("no circuit is open any more", recovered, RECOVERY_SECONDS + 5, "s")
        yield holds("a question after the recovery", _post(server, QUESTIONS[0]) == 200)
        closed = wait_for(lambda: server.circuits() == {"CLOSED"}, 5)
        yield at_most("CLOSED again, in every worker", closed, 5, "s")
        yield from everything_returned(server, standin)


def _post(server: ServerProcess, question: str) -> int:
    body = json.dumps({"query": question, "corpora": [CORPUS]}).encode()
    request = Request(f"{server.url}/api/query", data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    try:
        with urlopen(request, timeout=35) as reply:  # noqa: S310 - our own address
            return int(reply.status)
    except OSError as error:
        return int(getattr(error, "code", 0))


def ollama_down(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Kill the model server and start it again, under load; in full, twenty times within 10,000 questions."""
    per_second, cycles, phase_seconds = (50, 20, 5.0) if full else (12, 2, 4.0)
    with stage.standin() as standin, stage.serving(standin) as (server, clients):
        run = clients.steady(per_second, QUERY, QUERY, QUERY, STREAM)
        time.sleep(2)
        killed_at, asked_before = time.monotonic(), run.asked
        for _ in range(cycles):
            standin.kill()
            time.sleep(phase_seconds)
            standin.start()
            time.sleep(phase_seconds)
        replies = run.finish()
        yield from of_replies(replies, all_good=True)
        yield _opened(server, killed_at, replies)
        yield amplification(server, clients)
        yield holds("questions asked while it came and went", True, run.asked - asked_before, "")
        standin.kill()
        wait_for_circuits(server, clients, "OPEN", 10)
        yield from _while_open(clients.busy(20, QUERY, count=2000 if full else 200).wait())
        standin.start()
        started_at = time.monotonic()
        closed = wait_for_circuits(server, clients, "CLOSED", 60)
        yield at_most("real answers again", closed, RECOVERY_SECONDS + RECOVER_SECONDS, "s")
        yield holds("... from the model", clients.ask().is_generated)
        yield holds("changes of circuits seen in the log", bool(changes(server, since=started_at)))
        yield from everything_returned(server, standin)


def _while_open(replies: Sequence[Reply]) -> Iterator[Invariant]:
    refused = [reply for reply in replies if "circuit_open" in reply.reasons]
    yield holds("of these, refused by the open circuit", bool(refused), f"{len(refused)} of {len(replies)}", "> 0")
    seconds = p99(refused)
    yield at_most("p99 of a degraded answer, 20 in parallel", seconds and 1000 * seconds, 300, "ms")
    refusals = [reply.generate_ms for reply in refused if reply.generate_ms is not None]
    yield at_most("p50 of the refusal itself", percentile(refusals, 0.5), 5, "ms")


def _opened(server: ServerProcess, since: float, replies: Sequence[Reply]) -> Invariant:
    """Return that the circuit opened soon: within seconds, or after so few calls of a worker."""
    found = openings(server, since=since)
    first = found[0] - since if found else None
    calls = sum(since <= reply.at <= found[0] for reply in replies) / 2 if found else None
    name = f"opened (or after {OPEN_CALLS} calls per worker: {calls})"
    if calls is not None and calls <= OPEN_CALLS and first is not None and first > OPEN_SECONDS:
        return holds(name, True, f"{first:.1f} s, {calls:g} calls", f"<= {OPEN_SECONDS:g} s or {OPEN_CALLS} calls")
    return at_most(name, first, OPEN_SECONDS, "s")


def ollama_hang(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Freeze the model server: connections are taken, and nothing ever comes."""
    with stage.standin() as standin, stage.serving(standin) as (server, clients):
        run = clients.steady(20 if full else 8, QUERY, STREAM)
        time.sleep(2)
        standin.freeze()
        frozen_at = time.monotonic()
        try:
            time.sleep(15 if full else 10)
        finally:
            standin.thaw()
        thawed_at = time.monotonic()
        wait_for(lambda: any(reply.is_generated and reply.at > thawed_at for reply in run.replies), 30)
        time.sleep(2)
        replies = run.finish()
        yield from of_replies(replies, all_good=True)
        yield _opened(server, frozen_at, replies)
        open_since = max(openings(server, since=frozen_at), default=frozen_at)
        quick = [reply for reply in replies if open_since + 0.5 < reply.at < thawed_at and not reply.is_generated]
        yield at_most("median answer once all circuits are open", percentile([r.seconds for r in quick], 0.5), 1.0, "s")
        real = [reply.ended_at - thawed_at for reply in replies if reply.is_generated and reply.at > thawed_at]
        yield at_most("real answers again", min(real, default=None), RECOVERY_SECONDS + RECOVER_SECONDS, "s")
        yield amplification(server, clients)
        yield from everything_returned(server, standin)
