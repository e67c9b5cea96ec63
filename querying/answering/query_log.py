"""Records each question and how it was answered: in the metrics, and as a row of the query log."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DataError, connection
from django.db import Error as DatabaseFault
from prometheus_client import Counter, Histogram

from querying.cachestore import background_writer
from querying.models import QueryLog
from querying.timings import milliseconds_since
from querying.types import Answer, AnswerMode, Question
from ragsite.errors import DatabaseUnavailable
from ragsite.metrics import QUERIES, QUERY_SECONDS
from ragsite.performance import recorder
from ragsite.postgres.limits import bounded_transaction
from ragsite.postgres.thread_connection import release_connection
from ragsite.web.request_id import request_id_of_now

logger = logging.getLogger(__name__)
MAX_WAITING = 20_000  # rows, about 1 kB each
JSON_COLUMNS = frozenset({"corpora", "degraded_reasons", "timings_ms"})
Row = dict[str, Any]


@dataclass
class Record:
    """The answer to be recorded, once there is one."""

    answer: Answer | None = None


@contextmanager
def recorded(question: Question) -> Iterator[Record]:
    """Record the question at the end of the block, with its outcome: done, error, or client_left.

    A web process stores the row half a second later, with those of other questions; other processes at once, in one
    short insert whose connection is released. A failed insert never fails the answer.
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
        answer = record.answer
        mode = None if answer is None else answer.mode
        _count(question, mode, outcome)
        if keep:
            _store(question, answer, outcome, mode=mode, timings_ms={} if answer is None else answer.timings_ms)


def record_cached_answer(question: Question, answer: Answer) -> None:
    """Record a question that was answered from the memory of this process."""
    _count(question, AnswerMode.CACHED, "done")
    _store(question, answer, "done", mode=AnswerMode.CACHED, timings_ms={})


def _count(question: Question, mode: AnswerMode | None, outcome: str) -> None:
    name = "none" if mode is None else mode.value
    queries, query_seconds = _metrics(name, outcome)
    seconds = time.monotonic() - question.started
    queries.inc()
    query_seconds.observe(seconds)
    recorder.record("rag_query", seconds)


@cache  # the look-up of a metric's labels takes longer than to count
def _metrics(mode: str, outcome: str) -> tuple[Counter, Histogram]:
    return QUERIES.labels(mode=mode, outcome=outcome), QUERY_SECONDS.labels(mode=mode)


class LogBuffer:
    """Rows of the query log that wait to be stored in the background."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Row] = []

    def add(self, row: Row) -> None:
        """Buffer a row. Beyond MAX_WAITING, when the database has been away for long, it is dropped."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                return
            self._waiting.append(row)
        background_writer.begin()

    def store(self) -> None:
        """Store the buffered rows. Raises DatabaseError, and keeps them then."""
        with self._lock:
            batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            _insert(batch)
        except DataError:  # a row that Postgres will never accept must not block the others
            logger.warning("a question was not recorded: DataError")
            for row in batch:
                with suppress(DataError):
                    _insert([row])
        except BaseException:
            with self._lock:
                self._waiting[:0] = batch
            raise


_entries = LogBuffer()
background_writer.store_later(_entries.store)


def _store(
    question: Question, answer: Answer | None, outcome: str, *, mode: AnswerMode | None, timings_ms: Mapping[str, float]
) -> None:
    user = question.principal.user
    row: Row = {
        "id": question.id,
        "user_id": user.pk if user is not None else None,
        "corpora": [corpus.slug for corpus in question.corpora],
        "corpus_ids": [corpus.pk for corpus in question.corpora],
        # A terminal may send characters that UTF-8 can't encode.
        "question": question.text.encode("utf-8", "replace").decode(),
        "answer_mode": "" if mode is None else mode.value,
        "original_mode": "" if answer is None else answer.written_as.value,
        "outcome": outcome,
        "degraded_reasons": [reason.code for reason in answer.reasons] if answer else [],
        "model": (answer.model or "") if answer else "",
        "passages": len(answer.passages) if answer else 0,
        "timings_ms": timings_ms,
        "total_ms": milliseconds_since(question.started),
        "created_at": datetime.now(UTC),
        "request_id": request_id_of_now(),
    }
    if settings.RECORD_LATER:
        _entries.add(row)
        return
    try:
        QueryLog(**row).save(force_insert=True)
    except (DatabaseFault, ValueError) as exc:
        logger.warning("a question was not recorded: %s", type(exc).__name__)
    finally:
        release_connection()


def _insert(rows: Sequence[Row]) -> None:
    """Insert rows by COPY, in a tenth of the time that the ORM takes."""
    columns = list(rows[0])
    with bounded_transaction(background_writer.STATEMENT_SECONDS), connection.cursor() as cursor:
        # A user may have been deleted since; the rows are stored without them.
        users = {row["user_id"] for row in rows} - {None}
        known = set(User.objects.filter(pk__in=users).values_list("pk", flat=True)) if users else set()
        statement = f"COPY querying_querylog ({', '.join(columns)}) FROM STDIN"
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            for row in rows:
                values = row | {"user_id": row["user_id"] if row["user_id"] in known else None}
                copy.write_row([json.dumps(value) if name in JSON_COLUMNS else value for name, value in values.items()])
