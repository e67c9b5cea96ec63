"""A cache that fails is an empty cache."""

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
    """Return what `act` returns, or None when the database fails: then there is no cache, and the search will tell."""
    try:
        return act()
    except (DatabaseFault, DatabaseUnavailable) as exc:
        logger.warning("a cache failed: %s", type(exc).__name__)
        if not connection.in_atomic_block:
            connection.close()
        return None
