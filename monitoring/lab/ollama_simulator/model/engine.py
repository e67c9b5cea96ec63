"""State that all requests share (models, knobs, faults, counts, scheduler), and the context of one request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from monitoring.lab.ollama_simulator.counting import Counters
from monitoring.lab.ollama_simulator.faults import Fault, FaultBox
from monitoring.lab.ollama_simulator.http.requests import Request
from monitoring.lab.ollama_simulator.http.streaming import Pacemaker
from monitoring.lab.ollama_simulator.http.wire import JSON_UTF8, Reply
from monitoring.lab.ollama_simulator.knobs import KnobBoard, Knobs
from monitoring.lab.ollama_simulator.model.models import Catalogue, Model, tagged
from monitoring.lab.ollama_simulator.model.scheduler import Scheduler

VERSION = "0.33.0"
GO_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)  # fmt: skip


def go_json(value: Any) -> bytes:
    """Return `value` as Go writes JSON: no blanks, `<`, `>` and `&` escaped, other letters as they are."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(GO_ESCAPES).encode("utf-8", errors="replace")


@dataclass
class Engine:
    """The stand-in's state; it survives a stop and a start, except for what was loaded."""

    catalogue: Catalogue
    knobs: KnobBoard
    faults: FaultBox = field(default_factory=FaultBox)
    counters: Counters = field(default_factory=Counters)
    version: str = VERSION
    stopping: bool = False
    refuse: Callable[[bool], None] | None = None  # closes the door, and opens it again; set while the server runs

    def __post_init__(self) -> None:
        self.forget_loaded()
        self.script_places: dict[str, int] = {}

    def forget_loaded(self) -> None:
        """Begin with empty memory, as after a restart."""
        self.scheduler = Scheduler(self.knobs, self.faults, self.counters)
        self.pacemaker = Pacemaker(self.knobs)
        self.workers = ThreadPoolExecutor(1, thread_name_prefix="standin-vectors")

    def next_of_script(self, model: str, script: tuple[str, ...]) -> str:
        """Return the script's next text for this model; after the last the first comes again."""
        place = self.script_places.get(model, 0)
        self.script_places[model] = place + 1
        return script[place % len(script)] if script else ""


@dataclass
class Call:
    """One request on its way."""

    engine: Engine
    request: Request
    reply: Reply
    operation: str
    model_name: str | None = None  # tagged, in lower case; None when the body names none
    asked_name: str = ""  # as the client wrote it
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the request came."""
        return time.monotonic() - self.started

    def knobs_of(self, model: Model) -> Knobs:
        """Return the knobs that hold for `model` now."""
        return self.engine.knobs.of(tagged(model.name))

    def fault(self, names: Iterable[str]) -> Fault | None:
        """Return the fault among `names` that befalls this request, if any, and count it."""
        fault = self.engine.faults.take(names, self.operation, self.model_name)
        if fault is not None:
            self.engine.counters.faults[fault.name] += 1
        return fault

    def send_json(self, value: Mapping[str, Any], status: int = 200) -> None:
        """Send `value` as Ollama's native paths do."""
        self.reply.send(status, go_json(value), JSON_UTF8)

    async def sleep(self, seconds: float) -> None:
        """Wait, when there is something to wait for."""
        if seconds > 0:
            await asyncio.sleep(seconds)
