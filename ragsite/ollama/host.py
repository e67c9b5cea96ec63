"""State of one model server in this process: health, models, circuit breakers, and reactions to its failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from ragsite.deadline import Deadline
from ragsite.errors import (
    OllamaError,
    OllamaMisconfigured,
    OllamaTimeout,
)
from ragsite.ollama.addresses import Address
from ragsite.ollama.admission import Gate
from ragsite.ollama.averages import Average
from ragsite.ollama.breaker import Breaker
from ragsite.ollama.connections import Unreachable
from ragsite.ollama.failures import parse_object
from ragsite.ollama.hints import Hints
from ragsite.ollama.probing import Watch
from ragsite.ollama.resolving import Resolver
from ragsite.ollama.transport import Transport
from ragsite.ollama.values import OPERATIONS, BreakerChange, HostState, Operation

PROBE_SECONDS = 5.0
TAGS_MAX_BYTES = 8 * 1024 * 1024
MISSING_KEPT_SECONDS = 30.0  # a model that was not there may have been pulled since
TIMEOUTS_BEFORE_UNLOAD = 2
UNLOAD_REST_SECONDS = 1.0
UNLOAD_EVERY_SECONDS = 60.0
SILENCE_SECONDS = 1.0  # of several calls at once, before the host is suspected to hang


@dataclass
class _Timeouts:
    in_a_row: int = 0
    last_at: float = float("-inf")
    unloaded_at: float = float("-inf")


class Host:
    """One model server: its transport, admission, breakers and health."""

    def __init__(
        self, address: Address, resolver: Resolver, hints: Hints, tell: Callable[[BreakerChange], None]
    ) -> None:
        self.url = address.url
        self.transport = Transport(address, resolver)
        self.gate = Gate()
        self.breakers = {operation: Breaker(self.url, operation, hints, tell) for operation in OPERATIONS}
        self.first_sign: dict[Operation, Average] = {operation: Average() for operation in OPERATIONS}
        self.last_sign_at: dict[Operation, float] = dict.fromkeys(OPERATIONS, float("-inf"))
        self.silent: dict[Operation, dict[int, float]] = {operation: {} for operation in OPERATIONS}
        self.draining = False
        self.models: tuple[str, ...] | None = None
        self.last_error: str | None = None
        self.is_down = False
        self._is_unreachable = False
        self._avoid_until = 0.0
        self._lock = threading.Lock()
        self._missing: dict[str, float] = {}  # model -> when it was found to be missing
        self._timeouts: dict[str, _Timeouts] = {}  # by model
        self.watch = Watch(self.url, self._look)

    @property
    def is_preferred(self) -> bool:
        """Return whether the host is healthy as far as known; others are asked only after those that are."""
        return not self.is_down and time.monotonic() >= self._avoid_until

    def suspect(self, operation: Operation) -> None:
        """Open a circuit when too many calls wait for a first sign of life, each far longer than usual.

        Counted for the operation; and for both together while nothing at all comes from the host.
        """
        late = {each: self._late(each) for each in OPERATIONS}
        everything = sum(late.values()) if time.monotonic() - max(self.last_sign_at.values()) > SILENCE_SECONDS else 0
        for each in OPERATIONS:
            waiting = max(late[each] if each == operation else 0, everything)
            if waiting >= max(1, settings.CIRCUIT_FAILURE_THRESHOLD):
                self.breakers[each].suspect(f"{waiting} calls wait for a first sign of life")

    def note_sign(self, operation: Operation, key: int) -> None:
        """Note a first sign of life: circuits that were opened on suspicion may be tried again."""
        if self.silent[operation].pop(key, None) is not None:
            for breaker in self.breakers.values():
                breaker.unsuspect()

    def _late(self, operation: Operation) -> int:
        """Return how many calls wait for their first sign much longer than usual."""
        before = time.monotonic() - max(SILENCE_SECONDS, 3 * self.first_sign[operation].or_zero())
        return sum(since < before for since in list(self.silent[operation].values()))

    def lacks(self, model: str) -> bool:
        """Return whether the host was found to be without `model` a short time ago."""
        since = self._missing.get(_full_name(model))
        return since is not None and time.monotonic() - since < MISSING_KEPT_SECONDS

    def note_success(self, model: str) -> None:
        """Note that a call went well."""
        if self.is_down or self.last_error or self._timeouts:
            self.is_down, self.last_error, self._avoid_until = False, None, 0.0
            if model in self._timeouts:
                self._timeouts[model].in_a_row = 0

    def note_fault(self, error: OllamaError) -> None:
        """Pass the host over from now on, as long as there is another, until a probe or a call shows it well again."""
        self.is_down, self.last_error = True, error.message
        self._is_unreachable |= isinstance(error, Unreachable)
        if isinstance(error, OllamaTimeout):
            # /api/tags answers also while every generation hangs, so that a probe alone proves nothing
            self._avoid_until = time.monotonic() + settings.CIRCUIT_RECOVERY_TIMEOUT_SECONDS
        self.transport.close_idle()
        if isinstance(error, Unreachable):
            self.watch.do(self._confirm_unreachable)
        self.watch.start()

    def _confirm_unreachable(self) -> None:
        """Probe once more; if the host is unreachable, open its circuits so that no call has to find out."""
        try:
            self.fetch_tags()
        except Unreachable:
            for breaker in self.breakers.values():
                breaker.suspect("nobody listens there")
        except OllamaError:
            pass

    def note_missing(self, model: str) -> None:
        """Pass the host over for `model` until a probe lists it."""
        self._missing[_full_name(model)] = time.monotonic()
        self.watch.start()

    def note_timeout(self, model: str, started_at: float) -> threading.Event | None:
        """Count a read timeout. After two in a row of a loaded model, unload it: returns the event of that being done.

        Calls that waited side by side count once, and a model is unloaded once a minute at most: loading is slow.

        A reader who hangs up at the wrong moment leaves some Ollama versions with their only slot taken for ever;
        an unload frees it.
        """
        with self._lock:
            now = time.monotonic()
            seen = self._timeouts.setdefault(model, _Timeouts())
            if started_at < seen.last_at:
                return None
            seen.in_a_row, seen.last_at = seen.in_a_row + 1, now
            if seen.in_a_row < TIMEOUTS_BEFORE_UNLOAD or now - seen.unloaded_at < UNLOAD_EVERY_SECONDS:
                return None
            seen.in_a_row, seen.unloaded_at = 0, now
        return self.watch.do(lambda: self._unload_if_loaded(model))

    def fetch_tags(self) -> tuple[str, ...]:
        """Return the names of the host's models, and note what that says about it. No counter is touched."""
        try:
            reply = self.get("/api/tags", max_bytes=TAGS_MAX_BYTES)
            models = tuple(
                str(item["name"]) for item in reply["models"] or () if isinstance(item, dict) and "name" in item
            )
        except (OllamaError, KeyError, TypeError) as error:
            self.is_down = self._is_unreachable = True
            self.last_error = error.message if isinstance(error, OllamaError) else "its list of models can't be read"
            if isinstance(error, OllamaError):
                raise
            raise OllamaMisconfigured(f"{self.url} has no list of models; is it Ollama?") from error
        came_back, self.is_down, self._is_unreachable = self._is_unreachable, False, False
        self.models, self.last_error = models, None
        for model in {_full_name(name) for name in models}:
            self._missing.pop(model, None)
        if came_back:  # not after failures beside a healthy /api/tags: those circuits wait out their time
            for breaker in self.breakers.values():
                breaker.host_is_back()
        return models

    def get(self, path: str, *, max_bytes: int = TAGS_MAX_BYTES) -> dict[str, Any]:
        """Return the JSON object at `path`, within PROBE_SECONDS."""
        return self._ask("GET", path, None, max_bytes=max_bytes)

    def post(
        self, path: str, payload: dict[str, Any], *, model: str = "", seconds: float = PROBE_SECONDS
    ) -> dict[str, Any]:
        """Return the JSON object that answers `payload`."""
        return self._ask("POST", path, payload, model=model, seconds=seconds)

    def state(self) -> HostState:
        """Return what is known, without asking."""
        circuits = {operation: breaker.get_circuit_state() for operation, breaker in self.breakers.items()}
        healthy = not self.is_down and all(circuit["state"] != "OPEN" for circuit in circuits.values())
        return HostState(
            host=self.url,
            healthy=healthy,
            draining=self.draining,
            last_error=self.last_error,
            models=self.models,
            in_flight=self.gate.in_flight,
            waiting=self.gate.waiting,
            circuits=circuits,
        )

    def close(self) -> None:
        """Close idle connections and stop the background thread."""
        self.watch.stop()
        self.transport.close_idle()

    def _ask(
        self,
        method: str,
        path: str,
        payload: dict[str, Any] | None,
        *,
        model: str = "",
        seconds: float = PROBE_SECONDS,
        max_bytes: int = TAGS_MAX_BYTES,
    ) -> dict[str, Any]:
        body = self.transport.fetch(
            method, path, payload, deadline=Deadline.after(seconds), seconds=seconds, max_bytes=max_bytes, model=model
        )
        return parse_object(body)

    def _look(self) -> bool:
        """Probe once. Return whether all is well."""
        try:
            self.fetch_tags()
        except OllamaError:
            return False
        for name in [name for name in list(self._missing) if not self.lacks(name)]:
            self._missing.pop(name, None)
        return not self._missing

    def _unload_if_loaded(self, model: str) -> None:
        with suppress(OllamaError):  # it can't be helped then
            loaded = self.get("/api/ps").get("models")
            names = {_full_name(str(item.get("name"))) for item in loaded or () if isinstance(item, dict)}
            if _full_name(model) in names:
                self.post("/api/generate", {"model": model, "prompt": "", "keep_alive": 0}, model=model)
                time.sleep(UNLOAD_REST_SECONDS)


def _full_name(model: str) -> str:
    """Return a model's name as Ollama compares it: "Llama3" is "llama3:latest"."""
    name = model.strip().lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"
