"""Whether there is room to write: looked at before the disk is full, because afterwards some programs can't go on.

Postgres ends when it can't write its log. An embedded one lies in VAR_DIR, beside what else is written there, so
everything that writes to it looks here first. The disk of another Postgres can't be seen from here; it says itself when
it is full, and ragsite passes that on.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from django.conf import settings

from ragsite.errors import StorageFull

LOOK_SECONDS = 1.0  # for which a look counts
# What questions cause to be written is little, and goes on for longer than uploads and indexing.
RECORDS_SHARE = 10

_looks: dict[Path, tuple[float, int]] = {}


def free_bytes(folder: Path) -> int:
    """Return how much room there was a moment ago on the disk of a folder. Raises OSError."""
    now = time.monotonic()
    looked = _looks.get(folder)
    if looked is None or now - looked[0] > LOOK_SECONDS:
        looked = _looks[folder] = (now, shutil.disk_usage(folder).free)
    return looked[1]


def require_room_in_database() -> None:
    """Raise StorageFull when there is too little room for the database to index something."""
    if _database_has_less_than(settings.FREE_DISK_FLOOR_BYTES):
        raise StorageFull("The database's disk is nearly full; it goes on by itself when there is room again.")


def has_room_for_records() -> bool:
    """Return whether the database may store what questions cause: their log, and what caches keep."""
    return not _database_has_less_than(settings.FREE_DISK_FLOOR_BYTES // RECORDS_SHARE)


def _database_has_less_than(wanted_bytes: int) -> bool:
    folder = Path(settings.VAR_DIR) / "postgres"
    if not str(settings.DATABASES["default"].get("HOST", "")).startswith("/"):
        return False  # it is reached by network, so it isn't the embedded one
    try:
        return free_bytes(folder) < wanted_bytes
    except OSError:
        return False  # there is no embedded server
