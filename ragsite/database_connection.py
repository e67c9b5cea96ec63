"""Gives the database connection back while there is nothing to ask."""

from __future__ import annotations

from django.db import connection


def release_connection() -> None:
    """Give this thread's connection back to the pool; the next query takes one again.

    Called before whatever takes long: a model call, a stream. Otherwise a few open streams hold every connection of
    the process, and all other requests fail.

    Inside a transaction that would lose everything written in it without a word, so there it is an AssertionError. The
    transaction that a test case wraps around its test is none of ours, and stays.
    """
    blocks = [block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)]
    assert not blocks, "the connection can't be given back inside a transaction"
    if not connection.in_atomic_block:
        connection.close()
