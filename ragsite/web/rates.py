"""Parses rates as settings write them: `120/m`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

RATE = re.compile(r"\s*(\d{1,9})\s*(?:/\s*(\d{0,6})\s*(s|m|h|d)[a-z]*\s*)?", re.IGNORECASE | re.ASCII)
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Rate:
    """A limit of requests per window of seconds."""

    limit: int
    window_seconds: int


@dataclass(frozen=True)
class Quota:
    """What became of a request under a limit. Seconds until another try makes sense (0: it may go on), what may still
    be used of the window, and the seconds until it ends."""

    wait_seconds: float
    remaining: int
    resets_seconds: float


@lru_cache
def parse_rate(text: str) -> Rate | None:
    """Return the rate that `120/m` or `10/30s` stands for; None for `0`: no limit. Raises ValueError."""
    found = RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no rate; write 120/m, 10/30s, 5000/d, or 0 for none")
    limit, count, unit = found.groups()
    if int(limit) == 0:
        return None
    if unit is None:
        raise ValueError(f"{text!r} has no time; write {text}/m")
    return Rate(int(limit), max(1, int(count or 1)) * UNIT_SECONDS[unit.lower()])
