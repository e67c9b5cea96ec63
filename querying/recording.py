"""Keeps what was asked and how it was answered: in the metrics, and as a row."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import Error as DatabaseFault

from querying.models import QueryLog
from querying.timings import milliseconds_since
from querying.values import Answer, Asked
from ragsite.database_connection import release_connection
from ragsite.errors import DatabaseUnavailable
from ragsite.metrics import QUERIES, QUERY_SECONDS

logger = logging.getLogger(__name__)


@dataclass
class Record:
    """How one question goes; the answer is filled in when there is one."""

    answer: Answer | None = None


@contextmanager
def recorded(asked: Asked) -> Iterator[Record]:
    """Record the question at the end of the block, whatever the end is: done, error, or client_left.

    Takes a connection for one short insert and gives it back. That it fails never fails the answer.
    """
    record = Record()
    outcome, keep = "done", True
    try:
        yield record
    except GeneratorExit:
        outcome = "done" if record.answer is not None else "client_left"
        raise
    except BaseException as exc:
        outcome, keep = "error", not isinstance(exc, DatabaseUnavailable | DatabaseFault)
        raise
    finally:
        _count(asked, record.answer, outcome)
        if keep:
            _store(asked, record.answer, outcome)


def _count(asked: Asked, answer: Answer | None, outcome: str) -> None:
    mode = answer.mode.value if answer is not None else "none"
    QUERIES.labels(mode=mode, outcome=outcome).inc()
    QUERY_SECONDS.labels(mode=mode).observe(time.monotonic() - asked.started)


def _store(asked: Asked, answer: Answer | None, outcome: str) -> None:
    user = asked.principal.user
    try:
        QueryLog.objects.create(
            id=asked.id,
            user=user if user is not None and user.pk else None,
            corpora=[corpus.slug for corpus in asked.corpora],
            question=asked.question,
            answer_mode=answer.mode.value if answer else "",
            outcome=outcome,
            degraded_reasons=[reason.code for reason in answer.reasons] if answer else [],
            model=(answer.model or "") if answer else "",
            passages=len(answer.passages) if answer else 0,
            timings_ms=dict(answer.timings_ms) if answer else {},
            total_ms=milliseconds_since(asked.started),
        )
    except (DatabaseFault, ValueError) as exc:  # ValueError: a question from a terminal may hold what UTF-8 doesn't
        logger.warning("a question was not recorded: %s", type(exc).__name__)
    finally:
        release_connection()
