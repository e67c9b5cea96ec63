"""SQL that is run as it is: queries of the ORM that were written once, and statements written by hand."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

Compiled = tuple[str, tuple[Any, ...]]  # SQL and its parameters


def compiled(queryset: QuerySet[Any, Any], *columns: str) -> Compiled:
    """Return the SQL of a queryset, of these columns if any are named; one without rows if it can't have any."""
    chosen = queryset.values(*columns) if columns else queryset
    try:
        sql, parameters = chosen.query.sql_with_params()
    except EmptyResultSet:  # a principal who may ask nothing
        return f"SELECT {', '.join(['NULL'] * max(1, len(columns)))} WHERE FALSE", ()
    return str(sql), tuple(parameters)


def rows_of(statement: Compiled) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that only reads."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
