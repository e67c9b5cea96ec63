"""Runs the stand-in in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from monitoring.lab.ollama_simulator.knobs import KnobBoard
from monitoring.lab.ollama_simulator.model.engine import VERSION, Engine
from monitoring.lab.ollama_simulator.model.models import DEFAULT_MODELS, Catalogue, Model
from monitoring.lab.ollama_simulator.routes import control as routes_control
from monitoring.lab.ollama_simulator.server import Dispatcher, Listener

START_TIMEOUT_SECONDS = 10.0


class StandIn:
    """An Ollama server in a thread of this process.

    with StandIn(models=["nomic-embed-text"], embed_seconds=0.05) as standin:
        client = ollama.Client(host=standin.url)
        standin.set(tokens_per_second=100)
        standin.fail("busy", times=2, operation="embed")

    Knobs, faults and counts outlive `stop()` and `start()`; what was loaded does not.
    """

    def __init__(
        self,
        models: Iterable[str | Model] = DEFAULT_MODELS,
        *,
        port: int = 0,
        control_port: int | None = None,  # a second port that faults don't touch; 0: a free one
        version: str = VERSION,
        **knobs: Any,
    ) -> None:
        self.engine = Engine(Catalogue(models), KnobBoard(knobs), version=version)
        self.port = port
        self.control_port = control_port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL; it stays the same over stops and starts."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return self._thread is not None

    def start(self) -> Self:
        """Begin to listen, on the same port as before. Raises OSError when it is taken."""
        assert self._thread is None, "the stand-in is running"
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="ollama-standin", daemon=True)
        self._thread.start()
        try:
            started.result(START_TIMEOUT_SECONDS)
        except OSError:
            self._thread = None
            raise
        return self

    def stop(self) -> None:
        """Die as a killed process does: connections are reset, new ones refused, loaded models forgotten."""
        if self._thread is None or self._loop is None:
            return
        self.engine.stopping = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_TIMEOUT_SECONDS)
        self._thread = self._loop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def set(self, *, model: str | None = None, **knobs: Any) -> None:
        """Turn knobs, for all models or for one."""
        self.control({"set": knobs, **({"model": model} if model else {})})

    def fail(self, name: str, **limits: Any) -> None:
        """Let something fail: model=, operation=, times=, probability=, after=, seconds=, status=, message=, bytes=."""
        self.control({"fail": [{"name": name, **limits}]})

    def heal(self, name: str | None = None) -> None:
        """Stop all faults, or one kind."""
        self.control({"heal": name or True})

    def control(self, wishes: Mapping[str, Any]) -> None:
        """Do what `POST /standin/control` does."""
        self._in_loop(lambda: routes_control.apply(self.engine, dict(wishes)))

    def state(self) -> dict[str, Any]:
        """Return what `GET /standin/state` does."""
        found: dict[str, Any] = self._in_loop(lambda: routes_control.state_of(self.engine))
        return found

    def requests(self, operation: str | None = None) -> list[Any]:
        """Return the bodies of the latest requests, oldest first."""
        recent = self._in_loop(lambda: list(self.engine.counters.recent))
        return [each["body"] for each in recent if operation in (None, each["operation"])]

    def _in_loop(self, action: Any) -> Any:
        """Run `action` in the server's thread while it runs, else here."""
        if self._loop is None:
            return action()
        done: Future[Any] = Future()

        def act() -> None:
            try:
                done.set_result(action())
            except Exception as error:  # noqa: BLE001 - handed to the caller
                done.set_exception(error)

        self._loop.call_soon_threadsafe(act)
        return done.result(START_TIMEOUT_SECONDS)

    def _run(self, started: Future[None]) -> None:
        """Serve until the loop is stopped: the body of the thread."""
        loop = asyncio.new_event_loop()
        dispatcher = Dispatcher(self.engine)
        door, back_door = Listener(dispatcher, loop), Listener(dispatcher, loop)
        self.engine.stopping = False
        self.engine.forget_loaded()
        try:
            self._open(door, back_door)
        except OSError as error:
            door.shut()
            loop.run_until_complete(_end_tasks())
            loop.close()
            started.set_exception(error)
            return
        self.engine.refuse = lambda shut: door.shut() if shut else door.open()
        self._loop = loop
        started.set_result(None)
        loop.run_forever()
        self.engine.refuse = None
        door.shut()
        back_door.shut()
        loop.run_until_complete(_end_tasks())
        loop.close()
        self.engine.workers.shutdown(wait=False)

    def _open(self, door: Listener, back_door: Listener) -> None:
        door.open(self.port)
        self.port = door.port
        if self.control_port is not None:
            back_door.open(self.control_port)
            self.control_port = back_door.port


async def _end_tasks() -> None:
    """Cancel what is still being done, and wait for it."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)
