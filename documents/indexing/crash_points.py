"""Defines named places where a crash test may stop this process. Without the setting they do nothing.

RAGSITE_CHECKPOINT="embedded_batch:2:kill" kills the process when it passes `embedded_batch` for the second time; `*`
means every time. Actions: kill (SIGKILL), pause (SIGSTOP, until SIGCONT is sent), raise (an unexpected exception).
"""

from __future__ import annotations

import os
import signal
from collections import Counter

from django.conf import settings

_passed: Counter[str] = Counter()


def checkpoint(name: str) -> None:
    """Do what RAGSITE_CHECKPOINT asks for at this place; when it is unset, this is one comparison."""
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
