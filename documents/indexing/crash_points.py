"""Named places where a crash test may stop this process; nothing happens in any other run.

RAGSITE_CHECKPOINT="embedded_batch:2:kill" ends the process, without a word, when it passes `embedded_batch` for the
second time; `*` means every time. Actions: kill (SIGKILL), pause (SIGSTOP, until somebody sends SIGCONT), raise (an
exception that nobody expects).
"""

from __future__ import annotations

import os
import signal
from collections import Counter

from django.conf import settings

_passed: Counter[str] = Counter()


def checkpoint(name: str) -> None:
    """Do what RAGSITE_CHECKPOINT asks for at this place; unset, it costs one comparison."""
    if settings.CHECKPOINT:
        _act(name, *settings.CHECKPOINT.split(":"))


def _act(name: str, wanted: str, nth: str, action: str) -> None:
    if name != wanted:
        return
    _passed[name] += 1
    if nth not in {"*", str(_passed[name])}:
        return
    if action == "raise":
        raise RuntimeError(f"a test raises at {name}")
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
