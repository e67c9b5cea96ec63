"""Profiles calls, function by function."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Callable


def profile_calls(call: Callable[[], object], *, repeat: int, top: int) -> str:
    """Return cProfile's table of the `top` functions by cumulative time over `repeat` calls, after one to warm up."""
    call()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(repeat):
        call()
    profiler.disable()
    table = io.StringIO()
    pstats.Stats(profiler, stream=table).sort_stats("cumulative").print_stats(top)
    return table.getvalue()
