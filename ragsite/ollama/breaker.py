"""Circuit breaker of one host and one operation.

pybreaker carries the states, the count of failures in a row and the listener. It has no failure rates, no limit of
trial calls, no neutral outcome, and holds its lock during a call (docs/decisions/circuit-breaker.md). So no I/O runs
inside it: first `admit`, then the I/O, then exactly one of `succeed`, `fail`, `let_go`. The lock of `Breaker` is held
for microseconds; Redis and listeners are called after it is released.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pybreaker
from django.conf import settings

from ragsite.errors import CircuitOpen
from ragsite.ollama.circuit_states import STATES, Admission
from ragsite.ollama.hints import Hints
from ragsite.ollama.values import BreakerChange, Operation
from ragsite.ollama.window import Window

PROBE_SPARE_SECONDS = 5.0  # beyond the longest time in which a probe must have shown a sign of life


class _Failed(Exception):
    """Handed to pybreaker instead of the real error, which must reach the caller untouched."""


class Breaker(pybreaker.CircuitBreakerListener):
    """Thread-safe. `now` is monotonic, so that a step of the wall clock moves nothing."""

    def __init__(
        self,
        host: str,
        operation: Operation,
        hints: Hints,
        on_change: Callable[[BreakerChange], None],
        *,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.host, self.operation = host, operation
        self.key = f"{operation}:{host}"
        self._hints, self._on_change, self._now, self._jitter = hints, on_change, now, jitter
        self._lock = threading.Lock()
        self._machine = pybreaker.CircuitBreaker(reset_timeout=0, listeners=[self], throw_new_error_on_trip=False)
        self._window = Window()
        self._epoch = 0
        self._open_until = 0.0
        self._permit_until = 0.0  # of the one probe that a half-open circuit lets through
        self._openings = 0  # in a row, without a success between them
        self._asked_seconds: float | None = None  # open time given by an operator or another process
        self._borrowed = False  # open because another process said so
        self._suspected = False  # open because too many calls wait; a sign of life ends it
        self._by_hand = False  # open because an operator said so
        self._reason = ""
        self._last_failure: datetime | None = None
        self._unreported: list[tuple[BreakerChange, bool]] = []  # and whether it is borrowed

    # Before the call

    def admit(self) -> Admission:
        """Return the right to call now. Raises CircuitOpen, at once and with the seconds to wait."""
        if not settings.ENABLE_CIRCUIT_BREAKER:
            return Admission(epoch=-1)
        self.listen()
        with self._changing():
            wait_seconds = self._wait_seconds()
            if wait_seconds > 0:
                raise CircuitOpen(retry_after_seconds=wait_seconds)
            if self._machine.current_state == pybreaker.STATE_CLOSED:
                return Admission(self._epoch)
            if self._machine.current_state == pybreaker.STATE_OPEN:
                self._reason = "open time is over"
                self._machine.half_open()
            self._epoch += 1  # outcomes of an earlier probe, whose permit has expired, no longer count
            self._permit_until = self._now() + self._permit_seconds()
            return Admission(self._epoch, is_probe=True)

    def listen(self) -> None:
        """Open or end the open time as other processes did. Reads Redis, if configured, at most four times a second."""
        if settings.ENABLE_CIRCUIT_BREAKER:
            foreign_seconds = self._hints.open_seconds(self.key)
            with self._changing():
                self._follow(foreign_seconds)

    def wait_seconds(self) -> float:
        """Return how long until a call may be admitted; 0: now. No I/O, changes nothing."""
        if not settings.ENABLE_CIRCUIT_BREAKER:
            return 0.0
        with self._lock:
            seconds = self._wait_seconds()
            closed = self._machine.current_state == pybreaker.STATE_CLOSED
        return max(seconds, self._hints.known_open_seconds(self.key)) if closed else seconds

    # After it, exactly one of these three; `alive` may come before them

    def alive(self, admission: Admission) -> Admission:
        """Note the first sign of life, in time. A probe's closes the circuit; its end then counts like any other's."""
        if not admission.is_probe:
            return admission
        with self._changing():
            if not self._counts(admission):
                return admission
            self._reason = "a trial call succeeded"
            self._machine.call(lambda: None)
            return Admission(self._epoch)

    def succeed(self, admission: Admission, seconds: float) -> None:
        """Count a success whose first sign of life took `seconds`."""
        admission = self.alive(admission)
        with self._changing():
            if self._counts(admission):
                self._machine.call(lambda: None)
                self._window.add(self._now(), slow=seconds >= settings.CIRCUIT_SLOW_CALL_SECONDS)
                self._open_by_rates()

    def fail(self, admission: Admission, error: BaseException) -> None:
        """Count a failure of the host."""
        with self._changing():
            if not self._counts(admission):
                return
            self._last_failure = datetime.now(UTC)
            self._window.add(self._now(), failed=True)
            self._machine.fail_max = max(1, settings.CIRCUIT_FAILURE_THRESHOLD)
            self._reason = f"{self._machine.fail_counter + 1} failures in a row, the last: {type(error).__name__}"
            with suppress(_Failed):  # our own; the caller raises the original
                self._machine.call(_raise_failed)
            self._open_by_rates()

    def let_go(self, admission: Admission) -> None:
        """Count nothing: the reader left, the host was busy, or the request was bad. Frees a probe's permit."""
        with self._lock:
            if admission.is_probe and self._counts(admission):
                self._permit_until = 0.0

    # By hand, or by what the prober sees

    def open(self, seconds: float | None = None, reason: str = "opened by hand") -> None:
        """Open the circuit for `seconds`, or for the usual time. While it is open by hand, that only prolongs it."""
        with self._changing():
            if self._by_hand:
                usual = settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS
                self._open_until = self._now() + (usual if seconds is None else seconds)
                return
            self._reason, self._asked_seconds, self._borrowed = reason, seconds, False
            self._machine.open()
            self._by_hand = True

    def suspect(self, reason: str) -> None:
        """Open the circuit on suspicion: a sign of life ends that at once."""
        with self._changing():
            if self._machine.current_state == pybreaker.STATE_CLOSED:
                self._reason = reason
                self._machine.open()
                self._suspected = True

    def unsuspect(self) -> None:
        """End the open time if it was opened on suspicion."""
        if self._suspected:
            with self._lock:
                if self._suspected:
                    self._open_until, self._openings = min(self._open_until, self._now()), 0

    def close(self, reason: str = "closed by hand") -> None:
        """Close the circuit, whatever happened before."""
        with self._changing():
            self._reason = reason
            self._machine.close()

    def host_is_back(self) -> None:
        """Close the circuit if it is open on suspicion only; else let a call prove that all is well."""
        if self._suspected:
            self.close("the host is back")
        else:
            self.retry_soon()

    def retry_soon(self) -> None:
        """End the open time now: the host answers again. A call still has to prove it. Not of one opened by hand."""
        with self._lock:
            if self._by_hand:
                return
            self._open_until, self._openings = min(self._open_until, self._now()), 0

    def get_circuit_state(self) -> dict[str, Any]:
        """Return state (CLOSED, OPEN, HALF_OPEN, or UNKNOWN when switched off), failure_count and last_failure."""
        with self._lock:
            state = STATES[self._machine.current_state]
            if state == "OPEN" and self._now() >= self._open_until:
                state = "HALF_OPEN"  # the next call is let through
            last = self._last_failure.isoformat() if self._last_failure else None
            count = self._machine.fail_counter
        return {
            "state": state if settings.ENABLE_CIRCUIT_BREAKER else "UNKNOWN",
            "failure_count": count,
            "last_failure": last,
        }

    # Under the lock

    def _counts(self, admission: Admission) -> bool:
        return admission.epoch == self._epoch

    def _wait_seconds(self) -> float:
        state = self._machine.current_state
        if state == pybreaker.STATE_CLOSED:
            return 0.0
        if state == pybreaker.STATE_HALF_OPEN:
            return min(1.0, max(0.0, self._permit_until - self._now()))  # the probe may come back any moment
        return max(0.0, self._open_until - self._now())

    def _permit_seconds(self) -> float:
        first_sign = {
            "embed": settings.OLLAMA_EMBED_TIMEOUT_SECONDS,
            "generate": settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS,
        }
        return float(settings.OLLAMA_CONNECT_TIMEOUT_SECONDS + first_sign[self.operation] + PROBE_SPARE_SECONDS)

    def _follow(self, foreign_seconds: float) -> None:
        if foreign_seconds > 0 and self._machine.current_state == pybreaker.STATE_CLOSED:
            self._reason, self._asked_seconds, self._borrowed = "another process opened it", foreign_seconds, True
            self._machine.open()
        elif self._borrowed and foreign_seconds <= 0:
            self._open_until = min(self._open_until, self._now())  # its owner took it back

    def _open_by_rates(self) -> None:
        if self._machine.current_state != pybreaker.STATE_CLOSED:
            return
        rates = self._window.rates(self._now(), settings.CIRCUIT_WINDOW_SECONDS)
        if rates.calls < settings.CIRCUIT_MINIMUM_CALLS:
            return
        if rates.failure >= settings.CIRCUIT_FAILURE_RATE:
            self._reason = f"{rates.failure:.0%} of {rates.calls} calls failed"
            self._machine.open()
        elif rates.slow >= settings.CIRCUIT_SLOW_CALL_RATE:
            self._reason = f"{rates.slow:.0%} of {rates.calls} calls were slow"
            self._machine.open()

    def _next_open_seconds(self) -> float:
        """Return the usual time at first, then twice as long each time, less some jitter, up to the longest."""
        if self._asked_seconds is not None:
            return self._asked_seconds
        usual: float = settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS
        grown = usual * 2.0 ** min(self._openings, 30)
        seconds = min(grown, max(usual, settings.CIRCUIT_RECOVERY_TIMEOUT_MAX_SECONDS))
        return float(seconds * self._jitter(0.8, 1.0) if self._openings else seconds)

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        """Note a change of pybreaker's state, which happens only inside our lock."""
        state = STATES[new_state.name]
        open_seconds = None
        self._epoch += 1
        self._permit_until = 0.0
        self._by_hand = self._suspected = False
        if state == "OPEN":
            open_seconds = self._next_open_seconds()
            self._open_until = self._now() + open_seconds
            self._openings += self._asked_seconds is None
        elif state == "CLOSED":
            self._openings = 0
            self._window.clear()
        if state != "OPEN":
            self._borrowed = False
        self._asked_seconds = None
        old = STATES[old_state.name] if old_state else "UNKNOWN"
        change = BreakerChange(self.host, self.operation, old, state, self._reason, datetime.now(UTC), open_seconds)
        self._unreported.append((change, self._borrowed))

    @contextmanager
    def _changing(self) -> Generator[None, None, None]:
        """Hold the lock; report the changes after it is released."""
        try:
            with self._lock:
                yield
        finally:
            if self._unreported:
                self._report()

    def _report(self) -> None:
        with self._lock:
            changes, self._unreported = self._unreported, []
        for change, borrowed in changes:
            if change.new_state == "OPEN" and not borrowed:
                self._hints.publish(self.key, change.open_seconds or 0.0)
            elif change.new_state == "CLOSED":
                self._hints.withdraw(self.key)
            self._on_change(change)


def _raise_failed() -> None:
    raise _Failed
