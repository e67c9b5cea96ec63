"""Runs a worker process: one worker per queue, restarted when the database comes back after a failure."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import OperationalError, connections
from procrastinate.contrib.django import connector_params
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker

from documents.extraction import load_readers
from documents.indexing.queue import INDEXING_QUEUE, UPKEEP_QUEUE
from documents.indexing.stalled_jobs import release_jobs, rescue_stalled_jobs
from documents.jobs import app

logger = logging.getLogger(__name__)

CONNECTIONS_MAX = 4  # of the queue itself: one listens, the others fetch, beat and finish
CONNECT_TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)  # until the database is back
NICENESS = 10  # other processes have 0: the kernel prefers them


def yield_to_requests() -> None:
    """Give this process and its children a lower CPU priority than the web processes, where a user waits.

    An upload beside busy workers is answered in three quarters of the time. Nothing changes for a worker that has a
    machine for itself. Call it before any thread is started: running threads keep their priority.
    """
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def work(*, concurrency: int = 1, until_idle: bool = False) -> None:
    """Run jobs until SIGTERM or SIGINT, or until none is waiting.

    After a signal the current document is finished, or after WORKER_GRACE_SECONDS left at its next batch. While the
    database is away, the worker waits for it.
    """
    asyncio.run(_work(concurrency, until_idle))


async def _work(concurrency: int, until_idle: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Beside the connections to the database: the first file that waits is read half a second earlier.
    loading = asyncio.create_task(asyncio.to_thread(load_readers))
    await _work_until(stop, concurrency, until_idle)
    await loading


async def _work_until(stop: asyncio.Event, concurrency: int, until_idle: bool) -> None:
    unsigned: list[int] = []
    while not stop.is_set():
        if not await _prepare(unsigned, stop):
            return
        unsigned, failed = await _run_workers(concurrency, until_idle, stop)
        if until_idle and not failed:
            return
        await _pause(stop, RETRY_SECONDS[0])


async def _prepare(unsigned: Sequence[int], stop: asyncio.Event) -> bool:
    """Wait for the database and take over what dead workers left; return False when stopped meanwhile.

    `unsigned` are the ids of this process' earlier workers that lost the database: no document is to blame for that.
    """
    tries = 0
    while not stop.is_set():
        try:
            await sync_to_async(_take_over, thread_sensitive=False)(unsigned)
        except OperationalError as exc:
            if tries == 0:
                logger.warning("waiting for the database: %s", type(exc).__name__)
            await _pause(stop, RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1
        else:
            return True
    return False


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _take_over(unsigned: Sequence[int]) -> None:
    try:
        release_jobs(unsigned)
        rescue_stalled_jobs()
    finally:
        connections.close_all()


async def _run_workers(concurrency: int, until_idle: bool, stop: asyncio.Event) -> tuple[list[int], bool]:
    """Run both workers until one ends; return the ids of those that could not sign off, and whether any failed."""
    connector = PsycopgConnector(
        kwargs=connector_params(), min_size=1, max_size=CONNECTIONS_MAX, timeout=CONNECT_TIMEOUT_SECONDS
    )
    workers: list[Worker] = []
    failed = False
    try:
        with app.replace_connector(connector):
            async with app.open_async():
                workers = _make_workers(concurrency, until_idle)
                failed = await _run_until_one_ends(workers, stop)
    except Exception as exc:  # noqa: BLE001 - the caller waits and tries again after any error
        logger.warning("the queue failed: %s", type(exc).__name__)
        failed = True
    return [worker.worker_id for worker in workers if worker.worker_id is not None], failed


def _make_workers(concurrency: int, until_idle: bool) -> list[Worker]:
    options: dict[str, Any] = {
        **app.worker_defaults,
        "shutdown_graceful_timeout": settings.WORKER_GRACE_SECONDS,
        "update_heartbeat_interval": settings.WORKER_HEARTBEAT_SECONDS,
        "stalled_worker_timeout": settings.WORKER_STALLED_SECONDS,
        "install_signal_handlers": False,
        "delete_jobs": "successful",
    }
    indexing = Worker(app, queues=[INDEXING_QUEUE], concurrency=concurrency, wait=not until_idle, **options)
    if until_idle:
        return [indexing]
    return [indexing, Worker(app, queues=[UPKEEP_QUEUE], listen_notify=False, **options)]


async def _run_until_one_ends(workers: Sequence[Worker], stop: asyncio.Event) -> bool:
    running = [asyncio.create_task(worker.run()) for worker in workers]  # type: ignore[no-untyped-call]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for worker in workers:
        worker.stop()  # type: ignore[no-untyped-call]
    results = await asyncio.gather(*running, return_exceptions=True)
    for error in results:
        if isinstance(error, BaseException):
            logger.warning("a worker ended: %s", type(error).__name__)
    return any(isinstance(result, BaseException) for result in results)
