"""Model server that answers wrongly: slow, with errors, with garbage, busy, or truncated."""

from __future__ import annotations

import time
from collections.abc import Iterator

from monitoring.lab.drills.scenarios.outages import QUERY, RECOVER_SECONDS, STREAM, _opened
from monitoring.lab.testbed.client import Asking
from monitoring.lab.testbed.invariants import Invariant, at_least, at_most, holds, none_of, of_replies, share_of
from monitoring.lab.testbed.observer import amplification, everything_returned, no_openings, wait_for, wait_for_circuits
from monitoring.lab.testbed.stage import RECOVERY_SECONDS, Stage

GARBAGE = (
    "html",
    "huge_line",
    "gzip_bomb",
    "wrong_dimension",
    "nan_vectors",
    "too_few_vectors",
    "no_done",
    "error_line",
)
# What a model writes at once and without end: each is as long as the limit of tokens allows.
ENDLESS_CHARS = 120_000
ENDLESS = {
    "word": "abcdefghijklmnopqrstuvwxyz0123456789" * (ENDLESS_CHARS // 36),
    "brackets": "[9 [" * (ENDLESS_CHARS // 4),
    "sentences": " ".join(f"Rule {n} gives {n * 7} days to {n + 1} people [1]." for n in range(ENDLESS_CHARS // 40)),
    "thoughts": "okay, " + " ".join(f"thought <{n}" for n in range(ENDLESS_CHARS // 14)),
}
ENDLESS_TOKENS = 100_000
MEMORY_GROWTH_BYTES = 200 * 2**20
PROBE_THREADS = 50  # per worker


def ollama_slow(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """First no first token in time; then words so slow that the deadline comes before the end."""
    with stage.standin() as standin, stage.serving(standin, ENABLE_CIRCUIT_BREAKER="false") as (server, clients):
        short = Asking(deadline_seconds=3.0)
        standin.fail("slow_first_token", operation="generation", seconds=60)
        first = clients.steady(6, short, Asking(stream=True, deadline_seconds=3.0), count=24).wait()
        standin.heal()
        standin.set(tokens_per_second=4, tokens=200)
        second = clients.steady(6, short, Asking(stream=True, deadline_seconds=3.0), count=24).wait()
        standin.set(tokens_per_second=0, tokens=0)
        replies = [*first, *second]
        yield from of_replies(replies, all_good=True)
        yield holds("answers without a first token are quoted", all(r.mode != "generated" for r in first))
        cut = [reply for reply in second if "answer_cut" in reply.reasons]
        yield at_least("answers cut by the deadline say so", share_of(len(cut), len(second)), 95, "%")
        yield holds("the model's answers afterwards", clients.ask().is_generated)
        yield amplification(server, clients)
        yield from everything_returned(server, standin)
    with stage.standin() as standin, stage.serving(standin) as (server, clients):
        standin.fail("slow_first_token", operation="generation", seconds=60)
        slow_at = time.monotonic()
        replies = clients.steady(6, short, count=40).wait()
        yield from of_replies(replies, all_good=True)
        yield _opened(server, slow_at, replies)


def ollama_5xx(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Nothing but 500s, then well again; then, with an open circuit, a crowd at the moment it may be tried again."""
    with stage.standin() as standin, stage.serving(standin) as (server, clients):
        run = clients.steady(12, QUERY, STREAM)
        time.sleep(1)
        standin.fail("error", status=500)
        failed_at = time.monotonic()
        time.sleep(5)
        standin.heal()
        healed_at = time.monotonic()
        wait_for(lambda: any(reply.is_generated and reply.at > healed_at for reply in run.replies), 60)
        replies = run.finish()
        yield from of_replies(replies, all_good=True)
        yield _opened(server, failed_at, replies)
        real = [reply.ended_at - healed_at for reply in replies if reply.is_generated and reply.at > healed_at]
        yield at_most("real answers again", min(real, default=None), RECOVERY_SECONDS + RECOVER_SECONDS, "s")
        yield amplification(server, clients)
        wait_for_circuits(server, clients, "CLOSED", 30)
        standin.fail("error", status=500)
        opened = wait_for_circuits(server, clients, "OPEN", 30)
        yield holds("open in both workers before the crowd", opened is not None)
        time.sleep(RECOVERY_SECONDS + 0.5)  # now each worker may try one call
        standin.control({"reset_counters": True})
        crowd = clients.busy(2 * PROBE_THREADS, Asking(deadline_seconds=15), count=2 * PROBE_THREADS).wait()
        seen = standin.state()["requests"]
        yield from of_replies(crowd, all_good=True)
        for operation in ("embed", "chat"):
            yield at_most(f"probes of {operation} that reached it, per worker", seen.get(operation, 0) / 2, 1)
        standin.heal()
        yield from everything_returned(server, standin)


def ollama_garbage(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Replies that are no replies; without the circuit breaker, so that each is read."""
    with stage.standin() as standin, stage.serving(standin, ENABLE_CIRCUIT_BREAKER="false") as (server, clients):
        before_bytes = server.memory_bytes()
        replies = []
        for fault in GARBAGE:
            standin.fail(fault)
            replies += clients.steady(12, QUERY, STREAM, count=48 if full else 24).wait()
            standin.heal()
        yield from of_replies(replies, all_good=True)
        grown_bytes = server.memory_bytes() - before_bytes
        yield at_most("memory that a worker gained", grown_bytes / 2**20, MEMORY_GROWTH_BYTES / 2**20, "MB")
        standin.restart()
        yield at_most("real answers again", wait_for(lambda: clients.ask().is_generated, 20), RECOVER_SECONDS, "s")
        yield amplification(server, clients)
        yield from everything_returned(server, standin)


def endless_model(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """The model writes as fast as it can and does not stop, where the settings let it write 100,000 tokens."""
    settings = {"OLLAMA_NUM_CTX": 2 * ENDLESS_TOKENS, "OLLAMA_MAX_TOKENS": ENDLESS_TOKENS}
    with (
        stage.standin(num_parallel=4) as standin,
        stage.serving(standin, ENABLE_CIRCUIT_BREAKER="false", **settings) as (server, clients),
    ):
        replies = []
        quick, quick_stream = Asking(deadline_seconds=3.0), Asking(stream=True, deadline_seconds=3.0)
        for text in ENDLESS.values():
            standin.set(answers="scripted", script=[text])
            replies += clients.steady(4, quick, quick_stream, count=24 if full else 8).wait()
        yield from of_replies(replies, all_good=True)
        whole = [reply.mode for reply in replies if reply.is_generated]
        yield none_of("answers without end that are said to be whole", whole)
        standin.set(answers="extractive", script=[])
        yield at_most("real answers again", wait_for(lambda: clients.ask().is_generated, 20), RECOVER_SECONDS, "s")
        yield amplification(server, clients)
        yield from everything_returned(server, standin)


def ollama_busy(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """The model server's queue is full: it is alive, and no circuit may open."""
    with stage.standin() as standin, stage.serving(standin) as (server, clients):
        standin.fail("busy")
        replies = clients.steady(12, QUERY, STREAM, count=600 if full else 72).wait()
        yield from of_replies(replies, all_good=True)
        yield no_openings(server)
        untold = [str(sorted(reply.reasons)) for reply in replies if "model_busy" not in reply.reasons]
        yield none_of("answers that don't say that it was busy", untold)
        standin.heal()
        healed = wait_for(lambda: clients.ask().is_generated, 20)
        yield at_most("real answers again", healed, 2, "s")
        yield amplification(server, clients)
        yield from everything_returned(server, standin)


def ollama_midstream_cut(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """The connection to the model breaks after a few words; without the breaker, so that each stream meets it."""
    with (
        stage.standin(tokens=60, tokens_per_second=100) as standin,
        stage.serving(standin, ENABLE_CIRCUIT_BREAKER="false") as (server, clients),
    ):
        standin.control({"reset_counters": True})
        standin.fail("cut", operation="generation", after=20)
        replies = clients.steady(10, STREAM, STREAM, QUERY, count=500 if full else 60).wait()
        calls = standin.state()["requests"].get("chat", 0)
        yield from of_replies(replies, all_good=True)
        unsaid = [str(sorted(reply.reasons)) for reply in replies if "answer_cut" not in reply.reasons]
        yield none_of("cut answers that don't say so", unsaid)
        yield holds("none was asked again after its first word", calls == len(replies), calls, str(len(replies)))
        standin.heal()
        yield holds("a whole answer afterwards", clients.ask().is_generated)
        yield from everything_returned(server, standin)


def one_of_three_hosts(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """The first of three model servers fails: the others take over, it comes back; then all three are gone."""
    with (
        stage.standin() as first,
        stage.standin() as second,
        stage.standin() as third,
        stage.serving(first, second, third) as (server, clients),
    ):
        first.fail("error", status=500)
        run = clients.steady(15, QUERY, STREAM)
        time.sleep(2)
        first.control({"reset_counters": True})
        asked_before = run.asked
        time.sleep(8)
        seen = first.state()["requests"]
        touched = seen.get("chat", 0) + seen.get("embed", 0)
        later = run.asked - asked_before
        first.heal()
        first.control({"reset_counters": True})
        back = wait_for(lambda: first.state()["requests"].get("chat", 0) > 0, 60)
        replies = run.finish()
        yield from of_replies(replies, all_good=True)
        generated = sum(reply.is_generated for reply in replies)
        yield at_least("answers from a model, all the time", share_of(generated, len(replies)), 95, "%")
        yield at_most("requests that still went to the sick one", share_of(touched, later), 1, "%")
        yield at_most("the first is used again", back, RECOVERY_SECONDS + RECOVER_SECONDS, "s")
        for standin in (first, second, third):
            standin.kill()
        yield from of_replies(clients.steady(12, QUERY, STREAM, count=60).wait(), all_good=True)
        yield holds("no model: answers are quoted", clients.ask().mode == "extractive")
        for standin in (first, second, third):
            standin.start()
        closed = wait_for(lambda: clients.ask().is_generated, 60)
        yield at_most("real answers again", closed, RECOVERY_SECONDS + RECOVER_SECONDS, "s")
        yield from everything_returned(server, first, second, third)
