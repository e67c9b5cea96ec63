"""Redis and Postgres fail while the model server works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import psycopg

from monitoring.lab.testbed.client import Asking, Reply
from monitoring.lab.testbed.invariants import Invariant, at_least, at_most, holds, none_of, of_replies, p99, percentile
from monitoring.lab.testbed.load import Clients
from monitoring.lab.testbed.observer import everything_returned, wait_for
from monitoring.lab.testbed.redis_server import RedisProcess
from monitoring.lab.testbed.serving import ServerProcess
from monitoring.lab.testbed.stage import Stage

ADDED_SECONDS = 0.25
WORKERS = 2
HEALED_SECONDS = 5.0
REFUSED_SECONDS = 2.0
QUERY, STREAM, SEARCH = Asking(), Asking(stream=True), Asking(path="/api/v1/search")
CACHED = Asking(use_cache=True)


def redis_down(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Kill Redis under load, and start it again."""
    yield from _redis_fails(stage, RedisProcess.kill, RedisProcess.start, full=full)


def redis_frozen(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Freeze Redis under load, and thaw it."""
    yield from _redis_fails(stage, RedisProcess.freeze, RedisProcess.thaw, full=full)


def _redis_fails(
    stage: Stage, fail: Callable[[RedisProcess], None], heal: Callable[[RedisProcess], None], *, full: bool
) -> Iterator[Invariant]:
    seconds = 60.0 if full else 6.0
    with (
        stage.redis() as redis,
        stage.standin() as standin,
        stage.serving(standin, REDIS_URL=redis.url) as (server, clients),
    ):
        run = clients.steady(12, QUERY, CACHED, SEARCH, STREAM)
        time.sleep(seconds)
        failed_at = time.monotonic()
        fail(redis)
        time.sleep(seconds)
        healed_at = time.monotonic()
        heal(redis)
        time.sleep(2)
        replies = run.finish()
        yield from of_replies(replies, all_good=True)
        before = p99(reply for reply in replies if reply.at < failed_at)
        during = p99(reply for reply in replies if failed_at <= reply.at < healed_at)
        added = during - before if before is not None and during is not None else None
        yield at_most("p99 added while it fails", added, ADDED_SECONDS, "s")
        yield at_most(
            "... the first two seconds of it", _worst(replies, failed_at) - (before or 0), 2 * ADDED_SECONDS, "s"
        )
        healthy = wait_for(lambda: bool(server.get_json("/health")["services"]["redis"]["healthy"]), 30)
        yield at_most("used again", healthy, 10, "s")
        yield from everything_returned(server, standin)


def _worst(replies: Sequence[Reply], since: float) -> float:
    return max((reply.seconds for reply in replies if since <= reply.at < since + 2), default=0.0)


def postgres_restart(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Restart Postgres under load, in good order and as after a crash."""
    restarts = 20 if full else 4
    pause_seconds = 7.0
    with stage.standin() as standin, stage.serving(standin) as (server, clients):
        run = clients.steady(10, QUERY, SEARCH, STREAM)
        time.sleep(2)
        begun: list[float] = []
        ended: list[float] = []
        for number in range(restarts):
            begun.append(time.monotonic())
            stage.restart_postgres(immediately=number % 2 == 1)
            ended.append(time.monotonic())
            time.sleep(pause_seconds)
        replies = run.finish()
        yield from of_replies(replies)
        failed = [reply for reply in replies if not reply.is_good]
        spans = [*zip(begun, [*begun[1:], time.monotonic()], strict=True)]
        worst = max(sum(start <= reply.at < end for reply in failed) for start, end in spans)
        yield at_most("failed requests per worker and restart, at worst", worst / WORKERS, 1)
        late = [
            f"{reply.outcome} {reply.status} {reply.code}"
            for reply in failed
            if any(
                end + HEALED_SECONDS < reply.at < following for end, (_, following) in zip(ended, spans, strict=True)
            )
        ]
        yield none_of(f"failed requests later than {HEALED_SECONDS:g} s after it is back", late)
        longest = max(end - start for start, end in zip(begun, ended, strict=True))
        yield holds("Postgres was away for at most", True, f"{longest:.1f} s", "")
        yield holds("ready again", server.get("/health/ready")[0] == 200)
        yield from everything_returned(server, standin)


def pool_exhausted(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Lock what every search reads, so that each connection is soon held by somebody who waits."""
    pool_size, held_seconds, asking = 2, (20.0 if full else 8.0), Asking(deadline_seconds=8.0)
    with (
        stage.standin() as standin,
        stage.serving(standin, DATABASE_POOL_SIZE=pool_size) as (server, clients),
    ):
        with psycopg.connect(stage.environment["DATABASE_URL"]) as blocker:
            blocker.execute("LOCK TABLE documents_chunk IN ACCESS EXCLUSIVE MODE")
            run = clients.steady(10, asking, Asking(stream=True, deadline_seconds=8.0))
            time.sleep(held_seconds)
            live = server.get("/health/live")[0]
            blocker.rollback()
        healed_at = time.monotonic()
        time.sleep(4)
        replies = run.finish()
        yield from _refused_in_time(replies, holders=int(WORKERS * pool_size * (held_seconds / 2 + 1)))
        yield holds("/health/live while no connection is free", live == 200, live, "200")
        yield from _good_again(replies, healed_at)
        yield from _quiet(server, clients)
        yield from everything_returned(server, standin)


def _refused_in_time(replies: Sequence[Reply], *, holders: int) -> Iterator[Invariant]:
    """Yield that requests without a connection were refused soon. Those who held one waited for the lock, each at most
    until its deadline; there can't be more of them than connections, a few times over."""
    yield from of_replies(replies, gateway_timeouts=holders)
    shed = [reply for reply in replies if reply.outcome == "shed" or reply.code == "overloaded"]
    yield at_least("requests refused with Retry-After", len(shed), 1)
    seconds = percentile((reply.seconds for reply in shed), 0.9)
    yield at_most("90 % of them after at most", seconds, REFUSED_SECONDS + ADDED_SECONDS, "s")


def _good_again(replies: Sequence[Reply], healed_at: float) -> Iterator[Invariant]:
    after = [reply for reply in replies if reply.at > healed_at + 2]
    yield none_of("failures from two seconds after", [f"{r.status} {r.code}" for r in after if not r.is_good])


def _quiet(server: ServerProcess, clients: Clients) -> Iterator[Invariant]:
    yield holds("answers afterwards", clients.ask().is_generated)
    yield holds("ready", server.get("/health/ready")[0] == 200)
