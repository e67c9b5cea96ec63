"""Records the SQL of one request, and runs it again over psycopg alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from django.db import connection
from django.test import Client
from psycopg import ClientCursor
from psycopg.pq import TransactionStatus

# [whether it begins a transaction, its text]: as JSON has it. Outside of transactions each begins its own.
Statement = Sequence[Any]


def note_search(body: dict[str, Any]) -> dict[str, Any]:
    """Return `statements` and `chunk_ids` of a search, run in this process as the server runs it.

    Asked twice before, so that whatever is kept between requests is there.
    """
    for _ in range(2):
        _search(body)
    noted: list[list[Any]] = []
    with connection.execute_wrapper(_Note(noted)):
        reply = _search(body)
    return {"statements": noted, "chunk_ids": [each["chunk_id"] for each in reply["passages"]]}


def note_searches(bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the same for several searches."""
    return [note_search(body) for body in bodies]


def _search(body: dict[str, Any]) -> dict[str, Any]:
    reply = Client(HTTP_HOST="localhost").post("/api/v1/search", json.dumps(body), content_type="application/json")
    if reply.status_code != 200:
        raise RuntimeError(f"{reply.status_code}: {reply.content[:500]!r}")
    found: dict[str, Any] = reply.json()
    return found


class _Note:
    """Notes every statement of a connection, with its parameters written into it."""

    def __init__(self, noted: list[list[Any]]) -> None:
        self.noted = noted

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        assert not many, "a search writes nothing"
        bare = context["connection"].connection
        starts = bare is None or bare.info.transaction_status == TransactionStatus.IDLE
        result = execute(sql, params, many, context)
        text = ClientCursor(context["connection"].connection).mogrify(sql, params)
        self.noted.append([starts, text])
        return result


def replay(database: psycopg.Connection[Any], statements: Sequence[Statement]) -> tuple[float, list[list[Any]]]:
    """Run the statements in their transactions, and return the seconds that took and the rows of each.

    Each is kept prepared, so that from the second time on it is as soon planned as the server's own.
    """
    rows: list[list[Any]] = []
    database.prepared_max = None
    started = time.perf_counter()
    with database.cursor() as cursor:
        for starts, text in statements:
            if starts:
                database.commit()
            cursor.execute(text, prepare=not text.startswith("SET "))
            rows.append(cursor.fetchall() if cursor.description else [])
    database.commit()
    return time.perf_counter() - started, rows
