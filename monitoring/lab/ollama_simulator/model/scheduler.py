"""Loads models, holds them in memory for their keep-alive, and lets so many requests at a time use one.

As Ollama does: one load at a time for the whole server, a bounded queue before a load, an unbounded one in order of
arrival before a loaded model.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from monitoring.lab.ollama_simulator.counting import Counters
from monitoring.lab.ollama_simulator.faults import LOAD_FAULTS, FaultBox
from monitoring.lab.ollama_simulator.http.durations import FOREVER_SECONDS
from monitoring.lab.ollama_simulator.http.refusals import busy, load_failed
from monitoring.lab.ollama_simulator.knobs import KnobBoard
from monitoring.lab.ollama_simulator.model.models import DEFAULT_CONTEXT_TOKENS, Model, tagged
from monitoring.lab.ollama_simulator.model.slots import Slots

# A change of one of these reloads the model.
LOAD_OPTIONS = ("num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict")


@dataclass(eq=False)
class Runner:
    """A loaded model with its slots."""

    model: Model
    load_key: tuple[Any, ...]
    keep_alive_seconds: float
    slots: Slots
    port: int
    users: int = 0
    stuck: bool = False
    expires_at: float = 0.0
    expiry: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def num_ctx(self) -> int:
        """The context length in force."""
        return int(self.load_key[0])


class Scheduler:
    """Loads models, and keeps those in use."""

    def __init__(self, knobs: KnobBoard, faults: FaultBox, counters: Counters) -> None:
        self._knobs = knobs
        self._faults = faults
        self._counters = counters
        self._load_lock = asyncio.Lock()
        self._pending = 0
        self._some_rest = asyncio.Event()
        self._next_port = 40000
        self.loaded: dict[str, Runner] = {}

    @property
    def pending(self) -> int:
        """How many requests wait for a load."""
        return self._pending

    @property
    def waiting(self) -> int:
        """How many requests wait for a place at a loaded model."""
        return sum(runner.slots.waiting for runner in self.loaded.values())

    @asynccontextmanager
    async def loaded_runner(
        self, model: Model, options: Mapping[str, Any], keep_alive_seconds: float | None
    ) -> AsyncIterator[Runner]:
        """Give the model's runner, loading it first when needed; its keep-alive restarts afterwards.

        Raises Refusal: 503 when too many wait for a load, 500 when the load fails.
        """
        key = self._load_key(model, options)
        runner = self._fitting(model, key) or await self._wait_for_load(model, key)
        if keep_alive_seconds is not None:
            runner.keep_alive_seconds = keep_alive_seconds
        runner.users += 1
        self._set_expiry(runner)
        try:
            yield runner
        finally:
            runner.users -= 1
            if runner.users == 0:
                self._rest(runner)

    def unload(self, model: Model) -> None:
        """Drop the model: at once when it is idle, else when its last request ends. Frees one that is stuck."""
        runner = self.loaded.get(tagged(model.name))
        if runner is None:
            return
        runner.keep_alive_seconds = 0.0
        runner.stuck = False
        runner.slots.wake()
        if runner.users == 0:
            self.drop(runner)

    def drop(self, runner: Runner) -> None:
        """Take a runner out of memory, as when it ends or dies."""
        if runner.expiry is not None:
            runner.expiry.cancel()
        name = tagged(runner.model.name)
        if self.loaded.get(name) is runner:
            del self.loaded[name]

    def _load_key(self, model: Model, options: Mapping[str, Any]) -> tuple[Any, ...]:
        wanted = options.get("num_ctx") or DEFAULT_CONTEXT_TOKENS
        num_ctx = max(4, min(wanted, model.context_tokens))
        return (num_ctx, *(options.get(name) for name in LOAD_OPTIONS))

    def _fitting(self, model: Model, key: tuple[Any, ...]) -> Runner | None:
        runner = self.loaded.get(tagged(model.name))
        return runner if runner is not None and runner.load_key == key else None

    async def _wait_for_load(self, model: Model, key: tuple[Any, ...]) -> Runner:
        # One request is being loaded for, `max_queue` more may wait.
        if self._pending > self._knobs.common.max_queue:
            raise busy()
        self._pending += 1
        try:
            async with self._load_lock:
                return self._fitting(model, key) or await self._load(model, key)
        finally:
            self._pending -= 1

    async def _load(self, model: Model, key: tuple[Any, ...]) -> Runner:
        name = tagged(model.name)
        await self._make_room(name)
        await asyncio.sleep(self._knobs.of(name).load_seconds)
        fault = self._faults.take(LOAD_FAULTS, "load", name)
        if fault is not None:
            self._counters.faults[fault.name] += 1
            raise load_failed(fault.message) if fault.message else load_failed()
        self._counters.loads[name] += 1
        self._next_port += 1
        runner = Runner(model, key, self._knobs.of(name).keep_alive_seconds, Slots(lambda: 0), self._next_port)
        runner.slots = Slots(lambda: 0 if runner.stuck else self._places(model, name))
        self.loaded[name] = runner
        return runner

    def _places(self, model: Model, name: str) -> int:
        knobs = self._knobs.of(name)
        return max(1, knobs.embed_parallel if model.embeds else knobs.num_parallel)

    async def _make_room(self, name: str) -> None:
        """Drop the model's own older runner, and idle ones (shortest keep-alive first) while memory is full."""
        while name in self.loaded or len(self.loaded) >= max(1, self._knobs.common.max_loaded):
            candidates = [self.loaded[name]] if name in self.loaded else list(self.loaded.values())
            idle = [runner for runner in candidates if runner.users == 0]
            if idle:
                self.drop(min(idle, key=lambda runner: runner.keep_alive_seconds))
            else:
                self._some_rest.clear()
                await self._some_rest.wait()

    def _set_expiry(self, runner: Runner) -> None:
        runner.expires_at = time.time() + runner.keep_alive_seconds
        if runner.expiry is not None:
            runner.expiry.cancel()
            runner.expiry = None

    def _rest(self, runner: Runner) -> None:
        """The last request ended: start the keep-alive."""
        self._set_expiry(runner)
        if runner.keep_alive_seconds <= 0:
            self.drop(runner)
        elif runner.keep_alive_seconds < FOREVER_SECONDS:
            loop = asyncio.get_running_loop()
            runner.expiry = loop.call_later(runner.keep_alive_seconds, self._expire, runner)
        self._some_rest.set()

    def _expire(self, runner: Runner) -> None:
        if runner.users == 0:
            self.drop(runner)
