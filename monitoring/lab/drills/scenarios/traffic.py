"""Heavy traffic: too many requests, clients that leave, long streams, and a restart of the server meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from monitoring.lab.testbed.client import Asking, Reply
from monitoring.lab.testbed.invariants import (
    Invariant,
    at_least,
    at_most,
    holds,
    none_of,
    of_replies,
    p99,
    percentile,
    share_of,
)
from monitoring.lab.testbed.observer import active, everything_returned, no_openings, wait_for
from monitoring.lab.testbed.stage import Stage

CANCEL_SECONDS = 3.0
SLOTS_PER_WORKER, GENERATION_SECONDS = 2, 0.8
CAPACITY_PER_SECOND = 2 * SLOTS_PER_WORKER / GENERATION_SECONDS  # of the model, in answers
SHED_SECONDS = 1.0
STOP_SECONDS = 15.0
POOL_SIZE, WORKERS, FREE_CONNECTIONS = 5, 2, 8
QUERY, STREAM = Asking(), Asking(stream=True)


def overload(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Five times what the model can do; then it breaks under twice that, and must come back under the same load."""
    words = int(20 * GENERATION_SECONDS)
    with (
        stage.standin(num_parallel=2 * SLOTS_PER_WORKER, tokens=words, tokens_per_second=20) as standin,
        stage.serving(standin, OLLAMA_MAX_CONCURRENCY=SLOTS_PER_WORKER) as (server, clients),
    ):
        seconds = 30.0 if full else 8.0
        at = time.monotonic()
        run = clients.busy(2 * SLOTS_PER_WORKER + 2, QUERY)
        time.sleep(seconds)
        peak = _generated_per_second(run.finish(), at, seconds)
        yield at_least("peak: the model's answers per second", peak, 0.5 * CAPACITY_PER_SECOND)
        at = time.monotonic()
        replies = clients.steady(
            5 * CAPACITY_PER_SECOND, QUERY, STREAM, count=int(5 * CAPACITY_PER_SECOND * seconds)
        ).wait()
        yield from of_replies(replies)
        goodput = _generated_per_second(replies, at, seconds)
        yield at_least("goodput at 5x: share of the peak", 100 * goodput / peak if peak else None, 90, "%")
        good = sum(reply.is_good for reply in replies)
        yield holds("... and with the quoted answers, per second", True, round(good / seconds, 1), "")
        shed = [reply for reply in replies if reply.outcome == "shed"]
        yield at_most("p99 until told to come back later", p99(shed) if shed else 0.0, SHED_SECONDS + 0.25, "s")
        yield no_openings(server)
        yield from everything_returned(server, standin)
        run = clients.steady(2 * CAPACITY_PER_SECOND, QUERY, STREAM)
        time.sleep(3)
        standin.kill()
        time.sleep(120 if full else 8)
        standin.start()
        restored_at = time.monotonic()
        after_seconds = 30.0 if full else 12.0
        time.sleep(after_seconds + 10)
        replies = run.finish()
        yield from of_replies(replies)
        later = [reply for reply in replies if reply.at > restored_at + after_seconds]
        yield at_least(
            "good within 30 s at 2x, after a breakdown", share_of(sum(r.is_good for r in later), len(later)), 99, "%"
        )
        goodput = _generated_per_second(replies, restored_at + after_seconds, 10.0)
        yield at_least("... the model's answers: share of the peak", 100 * goodput / peak if peak else None, 90, "%")
        yield from everything_returned(server, standin)


def _generated_per_second(replies: Sequence[Reply], since: float, seconds: float) -> float:
    ended = [r for r in replies if r.is_generated and since <= r.ended_at <= since + seconds and not r.is_late]
    return len(ended) / seconds


def clients_leave(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Readers hang up in mid-stream: no fault of the model's, and it must stop writing for nobody."""
    count = 1000 if full else 120
    leaving = Asking(stream=True, deadline_seconds=60, leave_after_tokens=3)
    with (
        stage.standin(num_parallel=300, tokens=2000, tokens_per_second=20) as standin,
        stage.serving(standin, WEB_THREADS=160, MAX_OPEN_STREAMS=140, OLLAMA_MAX_CONCURRENCY=200) as (server, clients),
    ):
        standin.control({"reset_counters": True})
        replies = clients.steady(20, leaving, count=count).wait()
        left_at = time.monotonic()
        freed = wait_for(lambda: active(standin) == 0, 30)
        seconds = None if freed is None else time.monotonic() - left_at
        yield none_of("readers who could not leave in mid-stream", [r.outcome for r in replies if r.outcome != "left"])
        yield at_most("the model stopped after the last one left", seconds, CANCEL_SECONDS, "s")
        yield at_least("generations that it broke off", standin.state()["cancelled"], len(replies))
        yield no_openings(server)
        standin.set(tokens=20, tokens_per_second=0)
        yield holds("an answer afterwards", clients.ask().is_generated)
        yield from everything_returned(server, standin)


def many_streams(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Many open streams, on two workers and ten database connections in all."""
    count, ramp_per_second, hold_seconds = (500, 15.0, 60.0) if full else (80, 10.0, 8.0)
    per_second = 2
    asking = Asking(stream=True, deadline_seconds=115)
    with (
        stage.standin(
            num_parallel=2 * count,
            tokens=int(per_second * (hold_seconds + count / ramp_per_second)),
            tokens_per_second=per_second,
        ) as standin,
        stage.serving(
            standin,
            WEB_WORKERS=WORKERS,
            WEB_THREADS=count + 32,
            MAX_OPEN_STREAMS=count,
            OLLAMA_MAX_CONCURRENCY=count,
            DATABASE_POOL_SIZE=POOL_SIZE,
        ) as (server, clients),
    ):
        run = clients.steady(ramp_per_second, asking, count=count)
        wait_for(lambda: run.asked == count, 2 * count / ramp_per_second)
        time.sleep(2)
        taken, most_open, until = 0, 0, time.monotonic() + hold_seconds - 4
        while time.monotonic() < until:
            taken = max(taken, server.pool_in_use())
            most_open = max(most_open, run.open)
            time.sleep(1)
        replies = run.wait()
        yield from of_replies(replies, all_good=True)
        yield at_least("streams open at once", most_open, count)
        firsts = [reply.first_token_seconds for reply in replies if reply.first_token_seconds is not None]
        yield at_most("first token p99, over the model's own", percentile(firsts, 0.99), 2, "s")
        # Each worker tells of its own pool only; the other one's is taken to be as full as the fullest seen.
        yield at_least("connections free while all are open", WORKERS * (POOL_SIZE - taken), FREE_CONNECTIONS)
        yield at_most("memory of a worker", server.memory_bytes() / 2**20, 400, "MB")
        yield no_openings(server)
        yield from everything_returned(server, standin)


def rolling_restart(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Each worker is told to stop in its turn, with fifty open streams and others who come and go."""
    streams = 50
    asking = Asking(stream=True, deadline_seconds=100)
    with (
        stage.standin(num_parallel=200, tokens=600, tokens_per_second=10) as standin,
        stage.serving(standin) as (server, clients),
    ):
        open_streams = clients.steady(25, asking, count=streams)
        wait_for(lambda: active(standin) >= streams, 30)
        yield at_least("streams open before", active(standin), streams)
        visitors = clients.steady(6, Asking(path="/api/v1/search"))
        for worker in server.workers:
            worker.terminate()
            gone = wait_for(lambda: not worker.is_running() or worker.status() == "zombie", 60)  # noqa: B023
            yield at_most("a worker has stopped: its streams were told", gone, STOP_SECONDS, "s")
            yield holds("another one has taken its place", wait_for(lambda: len(server.workers) == 2, 30) is not None)
            time.sleep(1)
        yield from _ended(open_streams.wait(), "streams")
        yield from of_replies(visitors.finish(), all_good=True)
        yield from everything_returned(server, standin)


def _ended(replies: Sequence[Reply], what: str) -> Iterator[Invariant]:
    cut = [f"{reply.outcome} {reply.note}" for reply in replies if reply.outcome not in {"answered", "ended"}]
    yield none_of(f"{what} without exactly one terminal event", cut)
    ended = sum(reply.outcome == "answered" for reply in replies)
    yield holds(f"{what} that ended with an answer", True, f"{ended} of {len(replies)}", "")
