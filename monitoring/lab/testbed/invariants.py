"""Invariants that must hold whatever fails, each with the measured and the required figure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from monitoring.lab.testbed.client import LOST, Reply

DEADLINE_TOLERANCE_SECONDS = 0.25


@dataclass(frozen=True)
class Invariant:
    """One thing that must hold, and whether it did."""

    name: str
    passed: bool
    figure: float | int | str
    target: str

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a dict for JSON."""
        return asdict(self)


def at_most(name: str, figure: float | None, limit: float, unit: str = "") -> Invariant:
    """Return that `figure` is not above `limit`; None: it was never measured, which is a failure."""
    return _compared(name, figure, figure is not None and figure <= limit, f"<= {limit:g} {unit}")


def at_least(name: str, figure: float | None, limit: float, unit: str = "") -> Invariant:
    """Return that `figure` is not below `limit`."""
    return _compared(name, figure, figure is not None and figure >= limit, f">= {limit:g} {unit}")


def none_of(name: str, found: Sequence[str] | int) -> Invariant:
    """Return that nothing was found; the figure names what was, most frequent first."""
    if isinstance(found, int):
        return Invariant(name, found == 0, found, "0")
    most = ", ".join(f"{what} x{count}" for what, count in Counter(found).most_common(3))
    return Invariant(name, not found, f"{len(found)}: {most}" if found else 0, "0")


def holds(name: str, passed: bool, figure: object = "", target: str = "yes") -> Invariant:
    """Return that something is true."""
    return Invariant(name, passed, str(figure) if figure != "" else ("yes" if passed else "no"), target)


def _compared(name: str, figure: float | None, passed: bool, target: str) -> Invariant:
    shown: float | str = "not measured" if figure is None else round(figure, 4)
    return Invariant(name, passed, shown, target.strip())


def percentile(values: Iterable[float], share: float) -> float | None:
    """Return the value that `share` (0..1) of all values don't exceed; None of nothing.

    The nearest rank: of 1..100 the 0.99 is 99.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def p99(replies: Iterable[Reply]) -> float | None:
    """Return the 99th percentile of the replies' times, in seconds."""
    return percentile((reply.seconds for reply in replies), 0.99)


def share_of(some: int, all_of_them: int) -> float | None:
    """Return a share in percent; None of nothing."""
    return 100 * some / all_of_them if all_of_them else None


def of_replies(replies: Sequence[Reply], *, all_good: bool = False, gateway_timeouts: int = 0) -> Iterator[Invariant]:
    """Yield what must hold for the replies of any drill; with `all_good`, that none was refused or failed either.

    `gateway_timeouts` 504s are allowed: of those who held a connection to a database that hung.
    """
    yield at_least("requests made", len(replies), 1)
    yield none_of("requests without exactly one outcome", [_told(each) for each in replies if each.outcome in LOST])
    late = [each for each in replies if each.status == 504]
    wrong = [each for each in replies if _is_unwanted_5xx(each) and (each not in late or len(late) > gateway_timeouts)]
    yield none_of("5xx but deliberate 503s", [_told(each) for each in wrong])
    over = [each.seconds - each.asking.deadline_seconds for each in replies if each.outcome not in LOST]
    yield at_most("latest reply, after its deadline", max(over, default=0.0), DEADLINE_TOLERANCE_SECONDS, "s")
    if all_good:
        failed = [_told(each) for each in replies if not each.is_good and each.outcome not in {"left", *LOST}]
        yield none_of("requests that got no answer", failed)


def _is_unwanted_5xx(reply: Reply) -> bool:
    deliberate = reply.outcome == "shed" or reply.outcome in LOST
    return (reply.status >= 500 and not deliberate) or (reply.outcome == "ended" and reply.code == "internal_error")


def _told(reply: Reply) -> str:
    return " ".join(filter(None, [reply.outcome, str(reply.status or ""), reply.code, reply.note]))
