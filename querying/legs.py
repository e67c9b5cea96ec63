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
from ragsite.metrics import STAGE_SECONDS
from ragsite.postgres.limits import bounded_transaction, statement_limit_seconds
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


@dataclass
class Legs:
    """The legs of one question so far, and the time of every stage in ms."""

    deadline: Deadline
    reports: list[LegReport] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)

    def run(self, name: str, stage: str, act: Callable[[], Result]) -> Result | None:
        """Return what `act` returns, run in a short transaction that the deadline bounds; None when it failed."""
        started = time.monotonic()
        status, result = self._attempt(name, act)
        self.report(name, status, started, stage)
        return result

    def _attempt(self, name: str, act: Callable[[], Result]) -> tuple[Status, Result | None]:
        try:
            return "ok", self._in_transaction(act)
        except Error as exc:
            if is_broken(exc):
                raise  # the other legs are in the same transaction, and it is gone
            logger.warning("leg %s: %s", name, type(exc.__cause__ or exc).__name__)
            return ("late" if isinstance(exc.__cause__, QueryCanceled) else "failed"), None
        except RagError as exc:
            logger.warning("leg %s: %s", name, exc.code)
            return ("late" if isinstance(exc, DeadlineExceeded | OllamaTimeout) else "failed"), None

    def _in_transaction(self, act: Callable[[], Result]) -> Result:
        self.deadline.check()
        with bounded_transaction(self.deadline.cap(statement_limit_seconds() or math.inf)):
            return act()

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
        STAGE_SECONDS.labels(stage=stage).observe(seconds)
        ms = round(seconds * 1000, 3)
        self.timings_ms[stage] = round(self.timings_ms.get(stage, 0.0) + ms, 3)
        return ms

    def raise_if_none_worked(self) -> None:
        """Raise DeadlineExceeded or DatabaseUnavailable when no leg has anything to say, not even "nothing"."""
        statuses = {report.status for report in self.reports}
        if "ok" in statuses or not statuses - {"skipped"}:
            return
        if "late" in statuses:
            raise DeadlineExceeded
        raise DatabaseUnavailable(retry_after_seconds=2)
