"""Treats a cache that fails as an empty cache."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import Error as DatabaseFault
from django.db import connection

from ragsite.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")


def unless_it_fails(act: Callable[[], T]) -> T | None:
    """Return what `act` returns, or None if the database fails: the search after it will raise its error."""
    try:
        return act()
    except (DatabaseFault, DatabaseUnavailable) as exc:
        logger.warning("a cache failed: %s", type(exc).__name__)
        if not connection.in_atomic_block:
            connection.close()
        return None
