"""Durations and times as Go writes them: `1h30m`, and RFC 3339 with nanoseconds."""

from __future__ import annotations

import re
import time

from monitoring.lab.ollama_simulator.http.refusals import Refusal

FOREVER_SECONDS = 2**63 / 1e9  # Go's longest duration, 292 years: an `expires_at` after 2300
UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")


def parse_go_duration(text: str) -> float:
    """Return the seconds that `text` means to Go, e.g. 5400.0 for `1h30m`.

    Raises Refusal (400) with Go's own words.
    """
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    quoted = '"' + text.replace('"', '\\"') + '"'
    if not rest:
        raise Refusal(400, f"time: invalid duration {quoted}")
    total, at = 0.0, 0
    while at < len(rest):
        part = PART.match(rest, at)
        if part is None:
            raise Refusal(400, f"time: invalid duration {quoted}")
        number, unit = part.groups()
        if not unit:
            raise Refusal(400, f"time: missing unit in duration {quoted}")
        if unit not in UNIT_SECONDS:
            raise Refusal(400, f'time: unknown unit "{unit}" in duration {quoted}')
        total += float(number) * UNIT_SECONDS[unit]
        at = part.end()
    return sign * total


def keep_alive_seconds(value: object) -> float | None:
    """Return the seconds that a `keep_alive` field means; None when it was left out, FOREVER_SECONDS when negative."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise Refusal(400, "Unsupported type: 'bool'")
    if isinstance(value, int | float):
        seconds = float(value)
    elif isinstance(value, str):
        seconds = parse_go_duration(value)
    else:
        go_type = "map[string]interface {}" if isinstance(value, dict) else "[]interface {}"
        raise Refusal(400, f"Unsupported type: '{go_type}'")
    return FOREVER_SECONDS if seconds < 0 else min(seconds, FOREVER_SECONDS)


def rfc3339(epoch_seconds: float) -> str:
    """Return a UTC time with nine fraction digits, always 30 characters."""
    whole = int(epoch_seconds)
    # The last digit is never 0: Go cuts trailing zeros, and a fixed length lets lines be encoded ahead of time.
    fraction = int((epoch_seconds - whole) * 1e8) * 10 + 7
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{fraction:09d}Z"


def nanoseconds(seconds: float) -> int:
    """Return a duration as Ollama counts it."""
    return max(0, int(seconds * 1e9))
