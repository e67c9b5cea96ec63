"""Runs the legs of one question, each within the deadline; one that fails or is late is named, and the rest goes on."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from django.db import Error
from psycopg.errors import QueryCanceled

from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable, DeadlineExceeded, OllamaTimeout, RagError
from ragsite.performance import observe_stage
from ragsite.postgres.limits import milliseconds, set_local, statement_limit_seconds, waiting_for
from ragsite.postgres.losing import is_broken

logger = logging.getLogger(__name__)
Result = TypeVar("Result")
Status = Literal["ok", "failed", "late", "skipped"]


@dataclass(frozen=True)
class LegReport:
    """How a leg went: `lexical` or `dense`, with the corpus' slug before it when several are asked."""

    name: str
    status: Status
    ms: float


class LegBroke(Exception):
    """A leg broke the transaction that it shares with the others. They are run again without it."""


@dataclass
class Legs:
    """The legs of one question so far, and the time of every stage in ms."""

    deadline: Deadline
    reports: list[LegReport] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    _broken: dict[str, LegReport] = field(default_factory=dict)
    _limit: str | None = None  # of a statement, as it was set last in this transaction

    def run(self, name: str, stage: str, act: Callable[[], Result]) -> Result | None:
        """Return what `act` returns, run within the deadline; None when it failed. Call it in a transaction.

        Raises LegBroke when the transaction can't go on.
        """
        if name in self._broken:
            self.reports.append(self._broken[name])
            return None
        started = time.monotonic()
        status, result = self._attempt(name, act)
        self.report(name, status, started, stage)
        return result

    def _attempt(self, name: str, act: Callable[[], Result]) -> tuple[Status, Result | None]:
        started = time.monotonic()
        try:
            return "ok", self._within_limit(act)
        except Error as exc:
            if is_broken(exc):
                raise  # the other legs are in the same transaction, and it is gone
            logger.warning("leg %s: %s", name, type(exc.__cause__ or exc).__name__)
            status: Status = "late" if isinstance(exc.__cause__, QueryCanceled) else "failed"
            self._broken[name] = LegReport(name, status, round((time.monotonic() - started) * 1000, 3))
            raise LegBroke from exc
        except RagError as exc:
            logger.warning("leg %s: %s", name, exc.code)
            return ("late" if isinstance(exc, DeadlineExceeded | OllamaTimeout) else "failed"), None

    def _within_limit(self, act: Callable[[], Result]) -> Result:
        self.deadline.check()
        seconds = self.deadline.cap(statement_limit_seconds() or math.inf)
        limit = milliseconds(seconds)
        if limit != self._limit:
            set_local({"statement_timeout": limit})
            self._limit = limit
        with waiting_for(seconds):
            return act()

    def begin_again(self) -> None:
        """Forget what was noted, but for the legs that broke."""
        self.reports.clear()
        self.timings_ms.clear()
        self._limit = None

    def report(self, name: str, status: Status, started: float, stage: str) -> None:
        """Note how a leg went that began at this point of the monotonic clock."""
        ms = self.note(stage, started)
        before = next((each for each in self.reports if each.name == name), None)
        if before is not None:  # a leg that had to look further
            self.reports.remove(before)
            ms = round(ms + before.ms, 3)
        self.reports.append(LegReport(name, status, ms))

    def note(self, stage: str, started: float) -> float:
        """Add the time since `started` to a stage, and return it in ms."""
        seconds = time.monotonic() - started
        observe_stage(stage, seconds)
        ms = round(seconds * 1000, 3)
        self.timings_ms[stage] = round(self.timings_ms.get(stage, 0.0) + ms, 3)
        return ms

    def join(self, others: Legs) -> None:
        """Take over what was noted of legs that ran beside these: of one stage, the time of the longest counts."""
        self.reports += others.reports
        for stage, ms in others.timings_ms.items():
            self.timings_ms[stage] = max(self.timings_ms.get(stage, 0.0), ms)

    def raise_if_none_worked(self) -> None:
        """Raise DeadlineExceeded or DatabaseUnavailable when no leg has anything to say, not even "nothing"."""
        statuses = {report.status for report in self.reports}
        if "ok" in statuses or not statuses - {"skipped"}:
            return
        if "late" in statuses:
            raise DeadlineExceeded
        raise DatabaseUnavailable(retry_after_seconds=2)


def run_legs(deadline: Deadline, act: Callable[[Legs], Result]) -> Result:
    """Return what `act` returns, called with legs; called again without a leg that broke the transaction of all.

    A savepoint around each leg would do the same, and cost every question what only a failure needs.
    """
    legs = Legs(deadline)
    while True:
        try:
            return act(legs)
        except LegBroke:
            legs.begin_again()
