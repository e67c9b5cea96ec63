"""Runs the legs of one question within the deadline, and reports those that fail or are late instead of raising."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import Error, InterfaceError, OperationalError, connection
from psycopg.errors import QueryCanceled

from querying.passages import LegReport, Status
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable, DeadlineExceeded, OllamaTimeout, RagError
from ragsite.performance import observe_stage
from ragsite.postgres.limits import milliseconds, set_local, statement_limit_seconds, waiting_for
from ragsite.postgres.losing import is_broken, is_lost

logger = logging.getLogger(__name__)


class LegBroke(Exception):
    """A leg aborted the transaction that it shares with the others, which are run again without it."""


@dataclass
class Legs:
    """The reports of one question's legs so far, and the time of every stage in ms."""

    deadline: Deadline
    reports: list[LegReport] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    _broken: dict[str, LegReport] = field(default_factory=dict)
    _was_lost: bool = False  # a connection was lost once
    _limit: str | None = None  # the statement_timeout that was set last in this transaction

    def may_run(self, name: str, stage: str) -> bool:
        """Return whether to run a leg. If it broke before or no time is left, report it and return False."""
        if name in self._broken:
            self.reports.append(self._broken[name])
            return False
        if self.deadline.remaining() <= 0:
            logger.warning("leg %s: %s", name, DeadlineExceeded.code)
            self.report(name, "late", time.monotonic(), stage)
            return False
        return True

    @contextmanager
    def running(self, name: str, stage: str) -> Iterator[None]:
        """Run the block as a leg within the deadline, and report it. Use it in a transaction, after `may_run`.

        Swallows the errors of the block. Raises LegBroke when the transaction is aborted, and the error itself when the
        connection is lost.
        """
        started = time.monotonic()
        status: Status = "ok"
        try:
            seconds = self.deadline.cap(statement_limit_seconds() or math.inf)
            self._limit_statements(milliseconds(seconds))
            with waiting_for(seconds):
                yield
        except Error as exc:
            if is_broken(exc):
                raise  # the connection is lost, and the other legs with it
            logger.warning("leg %s: %s", name, type(exc.__cause__ or exc).__name__)
            status = "late" if isinstance(exc.__cause__, QueryCanceled) else "failed"
            self._broken[name] = LegReport(name, status, round((time.monotonic() - started) * 1000, 3))
            raise LegBroke from exc
        except RagError as exc:
            logger.warning("leg %s: %s", name, exc.code)
            status = "late" if isinstance(exc, DeadlineExceeded | OllamaTimeout) else "failed"
        self.report(name, status, started, stage)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Swallow an error of the block, a read-only transaction, that another run of the block avoids.

        The block is run once more if its connection was lost, and again without a leg that aborted its transaction. A
        savepoint around each leg would do the same, but at a cost for every question.

            while True:
                with legs.attempt():
                    return read(legs)
        """
        try:
            yield
        except LegBroke:
            self._begin_again()
        except (OperationalError, InterfaceError) as exc:
            if self._was_lost or connection.in_atomic_block or not is_lost(exc):
                raise
            self._was_lost = True
            self._broken.clear()
            self._begin_again()

    def _limit_statements(self, limit: str) -> None:
        if limit != self._limit:
            set_local({"statement_timeout": limit})
            self._limit = limit

    def _begin_again(self) -> None:
        """Clear reports and timings, except for the legs that broke."""
        self.reports.clear()
        self.timings_ms.clear()
        self._limit = None

    def report(self, name: str, status: Status, started: float, stage: str) -> None:
        """Report a leg that began at `started` (on the monotonic clock)."""
        ms = self.note(stage, started)
        before = next((each for each in self.reports if each.name == name), None)
        if before is not None:  # the leg was run in two steps
            self.reports.remove(before)
            ms = round(ms + before.ms, 3)
        self.reports.append(LegReport(name, status, ms))

    def note(self, stage: str, started: float) -> float:
        """Add the time since `started` to a stage; return it in ms."""
        seconds = time.monotonic() - started
        observe_stage(stage, seconds)
        ms = round(seconds * 1000, 3)
        self.timings_ms[stage] = round(self.timings_ms.get(stage, 0.0) + ms, 3)
        return ms

    def join(self, others: Legs) -> None:
        """Add the reports of legs that ran in parallel to these; of each stage, the longest time counts."""
        self.reports += others.reports
        for stage, ms in others.timings_ms.items():
            self.timings_ms[stage] = max(self.timings_ms.get(stage, 0.0), ms)

    def raise_if_none_worked(self) -> None:
        """Raise DeadlineExceeded or DatabaseUnavailable when no leg has worked."""
        statuses = {report.status for report in self.reports}
        if "ok" in statuses or not statuses - {"skipped"}:
            return
        if "late" in statuses:
            raise DeadlineExceeded
        raise DatabaseUnavailable(retry_after_seconds=2)
