"""What modules keep in this process's memory, forgotten by one call.

A module registers how to forget beside what it keeps. `reset` is for whoever needs a process as it was when it
started: each test, and a program that serves several set-ups one after another. A forked child gets that for what is
registered with `after_fork`: what it must not share with its parent, such as sockets, locks, and stocks of ids.
"""

from __future__ import annotations

import os
from collections.abc import Callable

Forget = Callable[[], object]
_registered: list[Forget] = []


def on_reset(forget: Forget, *, after_fork: bool = False) -> None:
    """Have `forget` called by each `reset`, in the order of registration.

    `after_fork`: in every forked child as well, where a lock of the parent may be held for ever: it must take none
    that it has not made.
    """
    _registered.append(forget)
    if after_fork:
        os.register_at_fork(after_in_child=forget)


def reset() -> None:
    """Forget all that modules keep. What is in the database, in Redis or in files stays."""
    for forget in _registered:
        forget()
