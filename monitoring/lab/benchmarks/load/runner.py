"""Runs load in another process: requests, number of clients, and results."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from monitoring.lab.benchmarks.measuring.process_usage import Usage
from monitoring.lab.benchmarks.reports.figures import percentile

PATIENCE_SECONDS = 60.0  # beyond the time that the load takes; a request without an outcome then has failed
Step = tuple[str, str, str]  # method, path, body


@dataclass(frozen=True)
class Load:
    """A closed loop: so many clients, each asking the next of `requests` when it has its answer.

    A request is one HTTP request or several in a row; a reply is good when the last one is a 200 that holds all of
    `good` in this order. Ends after `seconds`, or after `count` requests.
    """

    requests: Sequence[Sequence[Step]]
    clients: int = 1
    seconds: float | None = None
    count: int | None = None
    good: tuple[str, ...] = ()
    first_token: str = ""  # what the body holds as soon as the first token has come; "": when the body begins
    keep_alive: bool = True
    ramp_seconds: float = 0.0  # the clients begin one after the other, not all at once


@dataclass(frozen=True)
class Request:
    """What came of one request. Times in seconds, since the load began."""

    started: float
    first_token: float | None
    ended: float
    status: int
    is_good: bool
    number: int  # of the request in the load's list

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return self.ended - self.started

    @property
    def first_token_seconds(self) -> float:
        """Return how long it took to the first token; to the end when none came."""
        return (self.ended if self.first_token is None else self.first_token) - self.started


@dataclass(frozen=True)
class Loaded:
    """Results of a load, one per request."""

    load: Load
    requests: tuple[Request, ...]
    cpu_seconds: float  # of the generator itself
    memory_bytes: int
    reconnected: int
    pid: int = 0

    @property
    def usage(self) -> Usage:
        """Return what the load generator itself used; it shares next to nothing with others."""
        return Usage("load generator", self.pid, self.cpu_seconds, self.memory_bytes, self.memory_bytes)

    @property
    def good(self) -> list[Request]:
        """Return the requests that were answered as they should be."""
        return [request for request in self.requests if request.is_good]

    @property
    def failures(self) -> int:
        """Return how many were not."""
        return sum(not request.is_good for request in self.requests)

    @property
    def failed_statuses(self) -> Counter[int]:
        """Return how many failed by status; 0: no complete reply, 200: complete, and not the one that was wanted."""
        return Counter(request.status for request in self.requests if not request.is_good)

    @property
    def error_rate(self) -> float:
        """Return the share that failed, 0..1."""
        return self.failures / len(self.requests) if self.requests else 1.0

    @property
    def wall_seconds(self) -> float:
        """Return the time from the first request's start to the last one's end."""
        return max((request.ended for request in self.requests), default=0.0)

    @property
    def seconds(self) -> list[float]:
        """Return the times of the good ones."""
        return [request.seconds for request in self.good]

    @property
    def first_token_seconds(self) -> list[float]:
        """Return the times to the first token of the good ones."""
        return [request.first_token_seconds for request in self.good]

    def per_second(self, *, skip_seconds: float = 0.0) -> float:
        """Return the good answers per second that came while all clients were asking.

        What came in the first `skip_seconds` is left out, and so is what came after the last one began.
        """
        until = self.load.seconds if self.load.seconds is not None else self.wall_seconds
        counted = sum(skip_seconds < request.ended <= until for request in self.good)
        return counted / max(until - skip_seconds, 1e-9)

    def settled(self, *, skip_seconds: float) -> list[Request]:
        """Return the good ones that began after the first `skip_seconds`, when the rush of the start is over."""
        return [request for request in self.good if request.started >= skip_seconds]

    def p(self, share: float) -> float:
        """Return the time that `share` of the good ones took at most."""
        return percentile(self.seconds, share)


class GeneratorFailed(RuntimeError):
    """The load generator ended in an error."""


def post(path: str, **fields: object) -> Step:
    """Return the step that POSTs these fields as JSON."""
    return ("POST", path, json.dumps(fields))


def run_load(url: str, load: Load) -> Loaded:
    """Put the load on the server at `url` from a process of its own; return what came of it."""
    parts = urlsplit(url)
    plan = {
        "host": parts.hostname,
        "port": parts.port,
        "clients": load.clients,
        "seconds": load.seconds,
        "count": load.count,
        "good": load.good,
        "first_token": load.first_token,
        "keep_alive": load.keep_alive,
        "ramp_seconds": load.ramp_seconds,
        "patience_seconds": PATIENCE_SECONDS,
        "requests": load.requests,
    }
    done = subprocess.run(
        [sys.executable, "-m", "monitoring.lab.benchmarks.load.generator"],
        cwd=settings.BASE_DIR,
        input=json.dumps(plan),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GeneratorFailed(done.stderr[-1000:])
    told = json.loads(done.stdout)
    requests = tuple(Request(*record) for record in told["records"])
    return Loaded(load, requests, told["cpu_seconds"], told["memory_bytes"], told["reconnected"], told["pid"])
