"""Client of all model servers: embed, generate, list models and control circuits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings

from ragsite.deadline import Deadline
from ragsite.errors import ModelNotFound, OllamaError
from ragsite.metrics import BREAKER_OPEN, BREAKER_TRANSITIONS
from ragsite.ollama.calls import Attempt, Call, run_call
from ragsite.ollama.host import PROBE_SECONDS, Host
from ragsite.ollama.hosts import Hosts
from ragsite.ollama.payloads import chat_payload, embed_payload, fewest_tokens
from ragsite.ollama.replies import vectors_of
from ragsite.ollama.retrying import RetryBudget
from ragsite.ollama.streaming import read_answer
from ragsite.ollama.values import (
    OPERATIONS,
    BreakerChange,
    Finished,
    HostState,
    Lane,
    ModelInfo,
    Operation,
    Tick,
    Token,
)

logger = logging.getLogger(__name__)
EMBED_MAX_BYTES_PER_TEXT = 256 * 1024  # 8,192 numbers of up to 25 characters, and some room
EMBED_MAX_BYTES_BESIDES = 64 * 1024
STATES_BEST_FIRST = ("CLOSED", "HALF_OPEN", "OPEN", "UNKNOWN")
T = TypeVar("T")


class OllamaClient:
    """One per process, for all threads. Nothing is opened before the first call."""

    def __init__(self, base_urls: Sequence[str], redis_url: str = "") -> None:
        self._hosts = Hosts(base_urls, redis_url, self._tell)
        self._budgets = {operation: RetryBudget() for operation in OPERATIONS}
        self._listeners: list[Callable[[BreakerChange], None]] = []

    def embed(
        self, model: str, texts: Sequence[str], *, deadline: Deadline, lane: Lane = Lane.INTERACTIVE
    ) -> list[list[float]]:
        """Return one vector per text, in their order: one call to /api/embed.

        All are of one length, finite, and not zero. Raises OllamaError, of which OllamaUnavailable and its kinds
        are worth another try later.
        """
        if not texts:
            return []
        payload = embed_payload(model, texts)

        def work(attempt: Attempt) -> Generator[Tick, None, list[list[float]]]:
            yield from ()  # nothing to pass on: the reply is read as a whole
            body = attempt.host.transport.fetch(
                "POST",
                "/api/embed",
                payload,
                deadline=deadline,
                seconds=settings.OLLAMA_EMBED_TIMEOUT_SECONDS,
                max_bytes=EMBED_MAX_BYTES_BESIDES + EMBED_MAX_BYTES_PER_TEXT * len(texts),
                model=model,
            )
            return vectors_of(body, len(texts))

        return _result_of(run_call(self._hosts, self._budgets["embed"], Call("embed", model, lane, deadline), work))

    def generate(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        options: Mapping[str, Any],
        deadline: Deadline,
        lane: Lane = Lane.INTERACTIVE,
    ) -> Generator[Token | Tick | Finished, None, None]:
        """Yield the answer's pieces as they come, ticks while none do, and Finished when the host has ended it.

        Nothing happens before the first item is asked for. Closing the iterator closes the connection, and Ollama
        stops. Raises OllamaError at any point; a complete answer is one whose Finished says `stop`.
        """
        payload = chat_payload(model, messages, options)
        fewest = fewest_tokens(messages)

        def work(attempt: Attempt) -> Generator[Token | Tick, None, Finished]:
            return (yield from read_answer(attempt, payload, fewest))

        yield (
            yield from run_call(self._hosts, self._budgets["generate"], Call("generate", model, lane, deadline), work)
        )

    def can(self, operation: Operation, model: str | None = None) -> bool:
        """Return whether some host would take a call now. No I/O."""
        return self._hosts.can(operation, model)

    def tags(self) -> tuple[str, ...]:
        """Return the names of all models that the hosts have. Raises OllamaError when no host tells."""
        found: dict[str, None] = {}
        for names in self._first_or_all(lambda host: host.fetch_tags()):
            found |= dict.fromkeys(names)
        return tuple(found)

    def show(self, model: str) -> ModelInfo:
        """Return what the first host that has the model says about it. Raises ModelNotFound when none has."""
        reply = self._first_or_all(lambda host: host.post("/api/show", {"model": model}, model=model), first=True)[0]
        info = reply.get("model_info")
        info = info if isinstance(info, dict) else {}
        architecture = info.get("general.architecture", "")
        capabilities = reply.get("capabilities")
        return ModelInfo(
            dimensions=_whole_number(info.get(f"{architecture}.embedding_length")),
            context_length=_whole_number(info.get(f"{architecture}.context_length")),
            capabilities=tuple(map(str, capabilities)) if isinstance(capabilities, list) else (),
        )

    @property
    def hosts(self) -> Sequence[Host]:
        """Return the servers, in order of preference."""
        return self._hosts.all

    def states(self) -> list[HostState]:
        """Return what is known about each host, in order of preference. No I/O, no counters."""
        return [host.state() for host in self._hosts.all]

    def probe_now(self) -> list[HostState]:
        """Ask every host for its models, side by side and at most five seconds, and return what is known then."""
        probes = [threading.Thread(target=_probe, args=(host,), daemon=True) for host in self._hosts.all]
        for probe in probes:
            probe.start()
        for probe in probes:
            probe.join(PROBE_SECONDS + 1)
        return self.states()

    def get_circuit_state(self, operation: Operation | None = None) -> dict[str, Any]:
        """Return state, failure_count and last_failure: of the best host; without `operation`, of the worse one."""
        if operation is None:
            both = [self.get_circuit_state(each) for each in OPERATIONS]
            return max(both, key=lambda circuit: STATES_BEST_FIRST.index(circuit["state"]))
        hosts = [host for host in self._hosts.all if not host.draining] or list(self._hosts.all)
        if not hosts:
            return {"state": "UNKNOWN", "failure_count": 0, "last_failure": None}
        circuits = [host.breakers[operation].get_circuit_state() for host in hosts]
        return min(circuits, key=lambda circuit: STATES_BEST_FIRST.index(circuit["state"]))

    def open_circuit(self, host: str, operation: Operation, seconds: float | None = None) -> None:
        """Leave that host alone for `seconds`, or for the usual time."""
        self._hosts.named(host).breakers[operation].open(seconds)

    def close_circuit(self, host: str, operation: Operation) -> None:
        """Use that host again from now on."""
        self._hosts.named(host).breakers[operation].close()

    def set_draining(self, host: str, draining: bool) -> None:
        """Send no new calls to that host (or do so again); those that run go on."""
        self._hosts.named(host).draining = draining

    def subscribe(self, callback: Callable[[BreakerChange], None]) -> Callable[[], None]:
        """Call `callback` after every change of a circuit, in the thread that caused it; returns how to stop that."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def close(self) -> None:
        """Close idle connections and end the background threads."""
        self._hosts.close()

    def _first_or_all(self, ask: Callable[[Host], T], *, first: bool = False) -> list[T]:
        """Return the answers of the hosts, or of the first that gives one. Raises the last error when none does."""
        answers: list[T] = []
        error: OllamaError | None = None
        for host in self._hosts.all:
            if not host.draining:
                try:
                    answers.append(ask(host))
                except OllamaError as problem:
                    error = problem if error is None or isinstance(problem, ModelNotFound) else error
                if first and answers:
                    break
        if not answers:
            raise error or self._hosts.why_not("generate", "")
        return answers

    def _tell(self, change: BreakerChange) -> None:
        """Log, count and pass on a change of a circuit, once."""
        BREAKER_TRANSITIONS.labels(change.operation, change.new_state).inc()
        BREAKER_OPEN.labels(change.host, change.operation).set(change.new_state == "OPEN")
        is_trial = change.new_state == "HALF_OPEN" or (change.old_state == "HALF_OPEN" and change.new_state == "OPEN")
        logger.log(
            logging.INFO if is_trial else logging.WARNING,
            "circuit %s for %s at %s: %s",
            change.new_state,
            change.operation,
            change.host,
            change.reason,
        )
        for listener in list(self._listeners):
            try:
                listener(change)
            except Exception:
                logger.exception("a listener of the circuit breaker failed")


def _result_of(working: Generator[Tick, None, T]) -> T:
    """Return the result of `working`, for a caller who needs no ticks."""
    while True:
        try:
            next(working)
        except StopIteration as end:
            result: T = end.value
            return result


def _probe(host: Host) -> None:
    with suppress(OllamaError):
        host.fetch_tags()


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
