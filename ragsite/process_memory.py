"""Resets the state that modules keep in this process's memory.

A module registers a function that forgets its state, beside that state. `reset` calls them all, so that the process is
as it was when it started: for each test, and for a program that uses several configurations one after another. A forked
child calls those registered with `after_fork`, whose state must not be shared with the parent: sockets and locks.
"""

from __future__ import annotations

import os
from collections.abc import Callable

Forget = Callable[[], object]
_registered: list[Forget] = []


def on_reset(forget: Forget, *, after_fork: bool = False) -> None:
    """Register `forget` for each `reset`, in the order of registration.

    `after_fork`: in every forked child as well, where a lock of the parent may be held for ever: it must take none
    that it has not made.
    """
    _registered.append(forget)
    if after_fork:
        os.register_at_fork(after_in_child=forget)


def reset() -> None:
    """Reset the memory of all modules. Data in the database, in Redis and in files stays."""
    for forget in _registered:
        forget()
