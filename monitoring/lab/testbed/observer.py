"""Observes a server from outside during a drill: changes of circuits, and resources that were not released."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.invariants import Invariant, at_most, none_of
from monitoring.lab.testbed.load import Clients
from monitoring.lab.testbed.serving import ServerProcess

RETURN_SECONDS = 10.0
CHANGE = re.compile(r"circuit (?P<state>OPEN|CLOSED) for (?P<operation>\w+) at (?P<host>\S+):")


@dataclass(frozen=True)
class Change:
    """A circuit of one worker opened or closed; `at` is a point of the monotonic clock."""

    at: float
    state: str
    operation: str
    host: str


def changes(server: ServerProcess, *, since: float = 0.0) -> list[Change]:
    """Return what the server's log says of circuits since a point of the monotonic clock, oldest first."""
    offset_seconds = time.time() - time.monotonic()
    found = []
    for line in server.log.read_text(errors="replace").splitlines():
        match = CHANGE.search(line)
        if match is not None and line.startswith("{"):
            told = datetime.strptime(json.loads(line)["time"], "%Y-%m-%d %H:%M:%S,%f").astimezone()
            at = told.timestamp() - offset_seconds
            if at >= since:
                found.append(Change(at, match["state"], match["operation"], match["host"]))
    return sorted(found, key=lambda change: change.at)


def openings(server: ServerProcess, *, since: float = 0.0, operation: str = "generate") -> list[float]:
    """Return when circuits of the operation opened."""
    return [
        change.at for change in changes(server, since=since) if change.state == "OPEN" and change.operation == operation
    ]


def wait_for(condition: Callable[[], bool], seconds: float) -> float | None:
    """Return after how many seconds the condition held; None: it didn't within `seconds`."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            return None
        time.sleep(0.05)
    return time.monotonic() - started


def wait_for_circuits(server: ServerProcess, clients: Clients, state: str, seconds: float) -> float | None:
    """Return after how many seconds every worker's circuits were in that state, while somebody goes on asking."""

    def reached() -> bool:
        clients.ask()
        return server.circuits() == {state}

    return wait_for(reached, seconds)


def everything_returned(server: ServerProcess, *standins: StandInProcess) -> Iterator[Invariant]:
    """Yield that connections, streams and the model are free again, a short time after the last request."""
    yield returned("database connections given back", lambda: server.pool_in_use() == 0)
    yield returned("streams closed", lambda: server.metric("streams_open") == 0)
    if standins:
        yield returned("model at rest", lambda: all(active(standin) == 0 for standin in standins))


def returned(name: str, condition: Callable[[], bool]) -> Invariant:
    """Return that the condition came true in time."""
    return at_most(name, wait_for(condition, RETURN_SECONDS), RETURN_SECONDS, "s")


def active(standin: StandInProcess) -> int:
    """Return how many requests the model server works on."""
    state = standin.state()
    return int(state["active_generations"] + state["active_embeds"] + state["waiting_for_slot"])


def amplification(server: ServerProcess, clients: Clients) -> Invariant:
    """Return that retries didn't multiply the load: calls to the model per request, of the worse operation."""
    calls = max(server.metric("ollama_calls_total", operation=each) for each in ("embed", "generate"))
    return at_most("attempts at the model / requests", calls / max(1, clients.asked), 1.10)


def no_openings(server: ServerProcess, *, since: float = 0.0) -> Invariant:
    """Return that no circuit opened."""
    count = sum(change.state == "OPEN" for change in changes(server, since=since))
    return none_of("circuits opened", count)
