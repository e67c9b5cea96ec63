"""Runs SQL without the ORM: querysets that were compiled once, and statements written by hand."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from ragsite.postgres.thread_connection import preparing_cursor

_PLACE = re.compile("%[%s]")  # of a value, or an escaped percent sign
Compiled = tuple[str, tuple[Any, ...]]  # SQL and its parameters


def compiled(queryset: QuerySet[Any, Any], *columns: str) -> Compiled:
    """Return the SQL of a queryset, of these columns if any are named; one without rows if it can't have any."""
    chosen = queryset.values(*columns) if columns else queryset
    try:
        sql, parameters = chosen.query.sql_with_params()
    except EmptyResultSet:  # a principal who may ask nothing
        return f"SELECT {', '.join(['NULL'] * max(1, len(columns)))} WHERE FALSE", ()
    return str(sql), tuple(parameters)


def with_literal(statement: Compiled, number: int) -> Compiled:
    """Return the statement with this number in its text, wherever it is one of the values.

    A prepared statement may get one plan for all values. With the corpus in its text, it is a plan for that corpus.
    """
    sql, parameters = statement
    left = iter(parameters)
    kept: list[Any] = []

    def written(match: re.Match[str]) -> str:
        if match[0] == "%s":
            value = next(left)
            if isinstance(value, int) and not isinstance(value, bool) and value == number:
                return str(number)
            kept.append(value)
        return match[0]

    return _PLACE.sub(written, sql), tuple(kept)


def rows_of(statement: Compiled, *, is_kept: bool = True) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that only reads. It is kept prepared when it comes often and may be kept."""
    with preparing_cursor() if is_kept else connection.cursor() as cursor:
        cursor.execute(*statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
