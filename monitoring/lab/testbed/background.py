"""Runs work in a thread beside a drill or a benchmark, until the `with` block ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Self

STOP_SECONDS = 20.0


class Background:
    """A thread that works until it is told to stop."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=self.work, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join(STOP_SECONDS)

    def work(self) -> None:
        """Work until `stop` is called by another thread."""
        raise NotImplementedError

    def stop(self) -> None:
        """Tell `work` to end soon."""
        raise NotImplementedError


class BackgroundLoop(Background):
    """An event loop; what still runs in it at the end is cancelled."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.loop = asyncio.new_event_loop()

    def first(self) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what runs from the beginning."""
        return ()

    def work(self) -> None:
        """Run the event loop until `stop`."""
        asyncio.set_event_loop(self.loop)
        # Kept in a name: the loop itself would let them be collected as garbage.
        started = [self.loop.create_task(coroutine) for coroutine in self.first()]
        try:
            self.loop.run_forever()
        finally:
            tasks = {*started, *asyncio.all_tasks(self.loop)}
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.loop.close()

    def stop(self) -> None:
        """Stop the event loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
