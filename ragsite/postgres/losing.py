"""Classifies errors: which mean that a connection is lost, so that a new one may succeed."""

from __future__ import annotations

import psycopg
from django.db import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout, TooManyRequests

# Shutdown, crash, "starting up", and an idle session that was ended; class 08 is the connection itself.
LOST_STATES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})


class Silent(psycopg.OperationalError):
    """The server took a statement and does not answer, not even that it is too late."""


class Unreachable(psycopg.OperationalError):
    """No new connection can be made."""


def is_lost(error: BaseException) -> bool:
    """Return whether a statement failed with its connection, so that a read may be made again on another one.

    Not where that would be a second wait: the pool is empty, or the server is silent.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__
    if isinstance(cause, PoolTimeout | TooManyRequests | Silent | Unreachable):
        return False
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith("08") or state in LOST_STATES


def has_waited(error: BaseException) -> bool:
    """Return whether no connection could be had, so that another attempt right now would wait as long again."""
    return isinstance(error.__cause__, PoolTimeout | TooManyRequests | Unreachable)


def is_broken(error: BaseException) -> bool:
    """Return whether a statement failed with its connection, for whatever reason."""
    return is_lost(error) or isinstance(error.__cause__, Silent)
