"""Command and environment of the web server, for `serve`, benchmarks and drills."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ragsite.paths import PROJECT

# The C library keeps for each thread seven freed blocks of every size up to 1 kB, to spare threads that allocate at the
# same time a lock. In Python they take turns anyway, and with 500 of them those blocks were 60 MB of a worker's 240.
TUNABLES = "glibc.malloc.tcache_count=0"


def command() -> list[str]:
    """Return the command. Address, workers and threads come from the environment (see gunicorn_conf)."""
    configuration = str(PROJECT / "monitoring" / "serving" / "gunicorn_conf.py")
    return [sys.executable, "-m", "gunicorn", "-c", configuration, "ragsite.wsgi:application"]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment: `given`, and defaults that suit many threads.

    The start checks are skipped: the caller has run them, or wants none.
    """
    return {"GLIBC_TUNABLES": TUNABLES, "RAGSITE_START_CHECKED": "true", **given}
