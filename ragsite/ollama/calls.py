"""One guarded call: a host is chosen, a slot taken, the circuit asked; then the I/O; then the outcome is counted.

Everything here is a generator, so that a caller who streams gets a tick every second, whatever is waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeVar

from django.conf import settings

from ragsite.deadline import Deadline
from ragsite.errors import (
    CircuitOpen,
    ModelNotFound,
    OllamaBusy,
    OllamaError,
    OllamaMisconfigured,
    OllamaTimeout,
)
from ragsite.metrics import OLLAMA_CALLS, OLLAMA_RETRIES, OLLAMA_SECONDS
from ragsite.ollama.breaker import Breaker
from ragsite.ollama.circuit_states import Admission
from ragsite.ollama.failures import WrongKindOfModel, is_fault
from ragsite.ollama.host import Host
from ragsite.ollama.hosts import Hosts
from ragsite.ollama.retrying import RetryBudget, backoff_seconds
from ragsite.ollama.values import TICK, Lane, Operation, Tick

HEAL_SECONDS = 5.0  # to unload a stuck model, and a rest after it
QUICK_SHARE = 0.25  # of the time allowed for the first sign of life: below it a host could do more at once
SLOW_SHARE = 0.5  # ... and above it, it should do less
PATIENT_SECONDS = 1.0  # a timeout after less than this, or than three times the usual time, says nothing about the host
OVERLOAD_RETRY_SECONDS = 2.0
Y = TypeVar("Y")
R = TypeVar("R")


@dataclass
class Call:
    """One request to the model servers: its operation, model, lane and deadline, and its progress."""

    operation: Operation
    model: str
    lane: Lane
    deadline: Deadline
    passed_over: set[Host] = field(default_factory=set)
    has_begun: bool = False  # the caller has a part of the answer: nothing can be asked again


@dataclass
class Attempt:
    """One try of a call at one host."""

    call: Call
    host: Host
    admission: Admission | None = None  # None: the host has not been asked
    started_at: float = 0.0
    last_sign_at: float = 0.0
    first_sign_seconds: float | None = None
    healed: threading.Event | None = None  # set when a model that seems to be stuck has been unloaded

    @property
    def breaker(self) -> Breaker:
        """Return the circuit breaker that watches it."""
        return self.host.breakers[self.call.operation]

    def alive(self) -> None:
        """Note a sign of life: something right came."""
        self.last_sign_at = self.host.last_sign_at[self.call.operation] = time.monotonic()
        self.host.note_sign(self.call.operation, id(self))
        if self.first_sign_seconds is None and self.admission is not None:
            self.first_sign_seconds = self.last_sign_at - self.started_at
            self.admission = self.breaker.alive(self.admission)
            OLLAMA_SECONDS.labels(self.call.operation).observe(self.first_sign_seconds)
            self.host.first_sign[self.call.operation].add(self.first_sign_seconds)
            if self.first_sign_seconds <= QUICK_SHARE * self._stage_seconds:
                self.host.gate.grow()
            elif self.first_sign_seconds >= SLOW_SHARE * self._stage_seconds:
                self.host.gate.shrink()

    def run(self, work: Callable[[Attempt], Generator[Y, None, R]]) -> Generator[Y | Tick, None, R]:
        """Return what `work` returns, passing on what it yields; its outcome is counted, whatever it is."""
        call = self.call
        with self.host.gate.join(call.operation, call.lane, call.deadline) as ticket:
            while not ticket.wait(call.deadline.cap(settings.STREAM_HEARTBEAT_SECONDS)):
                if not call.deadline.remaining():
                    raise self.host.gate.busy()
                yield TICK
            self.host.suspect(call.operation)
            self.admission = self.breaker.admit()
            self.host.silent[call.operation][id(self)] = time.monotonic()
            self.started_at = self.last_sign_at = time.monotonic()
            outcome = "left"  # GeneratorExit, shutdown or a bug here: says nothing about the host
            try:
                result = yield from work(self)
                outcome = "success"
                return result
            except OllamaError as error:
                outcome = self._outcome_of(error)
                if outcome == "overload":
                    raise OllamaBusy(retry_after_seconds=OVERLOAD_RETRY_SECONDS) from error
                if outcome == "failure":
                    self.breaker.fail(self.admission, error)
                    self.host.note_fault(error)
                    if isinstance(error, OllamaTimeout):
                        self.healed = self.host.note_timeout(call.model, self.started_at)
                raise
            finally:
                if outcome == "success":
                    self._succeed()
                elif outcome != "failure":
                    self.breaker.let_go(self.admission)
                self.host.silent[call.operation].pop(id(self), None)
                OLLAMA_CALLS.labels(call.operation, outcome).inc()

    def _succeed(self) -> None:
        assert self.admission is not None
        self.alive()
        self.breaker.succeed(self.admission, self.first_sign_seconds or 0.0)
        self.host.gate.note_call_time(self.call.operation, time.monotonic() - self.started_at)
        self.host.note_success(self.call.model)

    def _outcome_of(self, error: OllamaError) -> str:
        if isinstance(error, OllamaBusy):
            return "busy"
        if not is_fault(error):
            return "refused"
        if isinstance(error, OllamaTimeout) and not self.call.deadline.remaining() and not self._was_patient():
            return "impatient"
        if isinstance(error, OllamaTimeout) and self._others_were_served() and self.host.gate.shrink():
            return "overload"
        return "failure"

    @property
    def _stage_seconds(self) -> float:
        """Return the time within which the first sign of life must come."""
        seconds: float = settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS
        if self.call.operation == "embed":
            seconds = settings.OLLAMA_EMBED_TIMEOUT_SECONDS
        return seconds

    def _others_were_served(self) -> bool:
        """Return whether the host worked for other calls while this one got nothing: it is full, not dead."""
        if self.first_sign_seconds is not None:
            return False
        served_at = self.host.last_sign_at[self.call.operation]
        return served_at > max(self.started_at, time.monotonic() - SLOW_SHARE * self._stage_seconds)

    def _was_patient(self) -> bool:
        """Return whether the silence was long enough to blame the host, and not a short deadline."""
        usual = self.host.first_sign[self.call.operation].or_zero() if self.first_sign_seconds is None else 0.0
        enough = min(self._stage_seconds, max(PATIENT_SECONDS, 3 * usual))
        return time.monotonic() - self.last_sign_at >= enough


def run_call(
    hosts: Hosts, budget: RetryBudget, call: Call, work: Callable[[Attempt], Generator[Y, None, R]]
) -> Generator[Y | Tick, None, R]:
    """Return what `work` returns at the first host that can do it; the only retry loop there is.

    A host that was not asked (circuit open, no slot in time), or that can't do it at all (no such model, a wrong
    address), is passed over for free. One real failure may be retried, before the first token, at another host if
    there is one, when the budget and the deadline allow.
    """
    budget.note_request()
    failed: OllamaError | None = None  # the first real failure: what the caller should hear about
    passed: OllamaError | None = None
    while True:
        host = hosts.choose(call.operation, call.model, call.passed_over)
        if host is None:
            raise failed or passed or hosts.why_not(call.operation, call.model)
        attempt = Attempt(call, host)
        try:
            return (yield from attempt.run(work))
        except OllamaError as error:
            if attempt.admission is None:
                call.passed_over.add(host)
                passed = _better_refusal(passed, error)
                continue
            if _is_unfit(error) and not call.has_begun:
                _note_unfit(host, call.model, error)
                call.passed_over.add(host)
                passed = error
                continue
            if failed is not None or call.has_begun or not (is_fault(error) or isinstance(error, OllamaBusy)):
                raise
            failed = error
        if not (yield from _may_retry(hosts, budget, attempt, failed)):
            raise failed
        OLLAMA_RETRIES.labels(call.operation).inc()


def _may_retry(hosts: Hosts, budget: RetryBudget, attempt: Attempt, error: OllamaError) -> Generator[Tick, None, bool]:
    """Return whether to try again, having waited as long as it takes to make that worth while."""
    call, host, healed = attempt.call, attempt.host, attempt.healed
    other = hosts.choose(call.operation, call.model, {*call.passed_over, host})
    if other is not None:
        call.passed_over.add(host)
        return call.deadline.remaining() > 0 and budget.take()
    if isinstance(error, OllamaBusy):
        return False  # it is full: asking again makes it fuller
    if isinstance(error, OllamaTimeout):
        if healed is None:
            return False  # it still works on what it was asked, or it hangs
        until = time.monotonic() + call.deadline.cap(HEAL_SECONDS)
        while not healed.wait(min(settings.STREAM_HEARTBEAT_SECONDS, max(0.0, until - time.monotonic()))):
            if time.monotonic() >= until:
                return False
            yield TICK
        return call.deadline.remaining() > 0 and budget.take()
    pause_seconds = backoff_seconds()
    if call.deadline.remaining() <= pause_seconds or not budget.take():
        return False
    time.sleep(pause_seconds)
    return True


def _better_refusal(old: OllamaError | None, new: OllamaError) -> OllamaError:
    """Return which of two refusals to show: a full host will have room sooner than an open circuit closes."""
    return old if isinstance(old, OllamaBusy) or (old and isinstance(new, CircuitOpen)) else new


def _is_unfit(error: OllamaError) -> bool:
    """Return whether another host might do what this one never will."""
    return isinstance(error, ModelNotFound | OllamaMisconfigured) and not isinstance(error, WrongKindOfModel)


def _note_unfit(host: Host, model: str, error: OllamaError) -> None:
    if isinstance(error, ModelNotFound):
        host.note_missing(model)
    else:
        host.note_fault(error)
