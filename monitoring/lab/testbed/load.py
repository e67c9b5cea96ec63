"""Clients in a separate event loop, so that a drill can break things while they send requests."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from monitoring.lab.testbed.background import BackgroundLoop
from monitoring.lab.testbed.client import PATIENCE_SECONDS, Asking, Reply, ask
from monitoring.lab.testbed.corpus import QUESTIONS

FINISH_SECONDS = 150.0  # the longest deadline, and some


class Run:
    """A load that runs. `replies` grows as they come in; `finish` stops asking and waits for those still open."""

    def __init__(self, clients: Clients, askings: Sequence[Asking]) -> None:
        self.replies: list[Reply] = []
        self.asked = 0
        self.open = 0  # requests without an outcome yet
        self._clients = clients
        self._askings: Iterator[Asking] = itertools.cycle(askings)
        self._stopped = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = threading.Event()

    def stop_asking(self) -> None:
        """Start no further requests."""
        self._stopped = True

    def wait(self, seconds: float = FINISH_SECONDS) -> list[Reply]:
        """Return the replies once the load has ended by itself. Raises TimeoutError."""
        if not self._ended.wait(seconds):
            raise TimeoutError(f"{self.open} of {self.asked} requests have no outcome after {seconds:.0f} s")
        return list(self.replies)

    def finish(self) -> list[Reply]:
        """Stop asking, and return the replies when the last request has its outcome."""
        self.stop_asking()
        return self.wait()

    async def open_loop(self, per_second: float, count: int | None) -> None:
        """Ask at a steady rate, however slow the answers are."""
        started = time.monotonic()
        for number in itertools.count() if count is None else range(count):
            await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
            if self._stopped:
                break
            task = asyncio.create_task(self._ask())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await self._drain()

    async def closed_loop(self, parallel: int, count: int | None) -> None:
        """Ask as so many clients do, each the next question when it has its answer."""
        left = itertools.count() if count is None else iter(range(count))

        async def client() -> None:
            for _ in left:
                if self._stopped:
                    return
                await self._ask()

        await asyncio.gather(*(client() for _ in range(parallel)))
        self._ended.set()

    async def _drain(self) -> None:
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        self._ended.set()

    async def _ask(self) -> None:
        self.asked += 1
        self.open += 1
        clients = self._clients
        reply = await clients.make_request(next(self._askings))
        self.open -= 1
        self.replies.append(reply)


class Clients(BackgroundLoop):
    """Clients who ask, until the `with` block ends."""

    def __init__(self, url: str) -> None:
        super().__init__("drill-clients")
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.questions = itertools.cycle(QUESTIONS)
        self.asked = 0  # by all of them

    def ask(self, asking: Asking | None = None) -> Reply:
        """Ask one question, and return what came of it."""
        asking = asking or Asking()
        waiting_seconds = asking.deadline_seconds + PATIENCE_SECONDS + 10
        return asyncio.run_coroutine_threadsafe(self.make_request(asking), self.loop).result(waiting_seconds)

    async def make_request(self, asking: Asking) -> Reply:
        """Ask the next question, and return what came of it."""
        self.asked += 1
        return await ask(self.host, self.port, asking, next(self.questions))

    def steady(self, per_second: float, *askings: Asking, count: int | None = None) -> Run:
        """Start asking at a steady rate, the askings in turn."""
        run = Run(self, askings or (Asking(),))
        return self._start(run, run.open_loop(per_second, count))

    def busy(self, parallel: int, *askings: Asking, count: int | None = None) -> Run:
        """Start so many clients that ask one question after the other."""
        run = Run(self, askings or (Asking(),))
        return self._start(run, run.closed_loop(parallel, count))

    def _start(self, run: Run, coroutine: Coroutine[Any, Any, None]) -> Run:
        asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        return run
