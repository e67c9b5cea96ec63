"""Reads from Postgres how far the building of an index is, and reports it while it is built."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import Error, OperationalError, connection
from psycopg.errors import QueryCanceled

logger = logging.getLogger(__name__)
LOOK_EVERY_SECONDS = 0.5
LOG_EVERY_SECONDS = 10.0


@dataclass(frozen=True)
class Build:
    """A running build of an index. `share`: 0..1, how much of the table was read in this phase."""

    pid: int
    phase: str
    share: float


OnBuild = Callable[[Build], bool]  # False: stop it


class BuildStopped(Exception):
    """The building of an index was stopped on request; the invalid index that it left is built again next time."""


def building(name: str) -> Build | None:
    """Return how far the building of an index is; None: it is not being built."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, phase, blocks_done, blocks_total FROM pg_stat_progress_create_index"
            " WHERE index_relid = to_regclass(%s) AND datname = current_database()",
            [name],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    pid, phase, done, total = row
    return Build(int(pid), str(phase), round(done / total, 3) if total else 0.0)


@contextlib.contextmanager
def watched(name: str, on_build: OnBuild) -> Iterator[None]:
    """While the block builds an index, pass its progress to `on_build`, and log it from time to time.

    The progress is read on another connection, because this one is busy. Raises BuildStopped when `on_build` returns
    False.
    """
    done, stopped = threading.Event(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(name, on_build, done, stopped), name="index-build", daemon=True)
    started = time.monotonic()
    watcher.start()
    try:
        yield
    except OperationalError as exc:
        if stopped.is_set() and isinstance(exc.__cause__, QueryCanceled):
            raise BuildStopped from None
        raise
    finally:
        done.set()
        watcher.join()
    logger.info("index %s: built", name, extra={"seconds": round(time.monotonic() - started, 3)})


def _watch(name: str, on_build: OnBuild, done: threading.Event, stopped: threading.Event) -> None:
    try:
        next_line = time.monotonic() + LOG_EVERY_SECONDS
        while not done.wait(LOOK_EVERY_SECONDS):
            build = building(name)
            if build is None:
                continue
            if time.monotonic() >= next_line:
                logger.info("index %s: %s, %.0f %%", name, build.phase, 100 * build.share)
                next_line = time.monotonic() + LOG_EVERY_SECONDS
            if not on_build(build) and not stopped.is_set():
                stopped.set()
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_cancel_backend(%s)", [build.pid])
    except Error as exc:
        logger.warning("index %s: progress unknown: %s", name, type(exc).__name__)
    finally:
        connection.close()
