"""Settings of a benchmarked server that opens a database connection for every request."""

from __future__ import annotations

from ragsite.settings import *  # noqa: F403 - all of them, but the pool
from ragsite.settings import DATABASES as POOLED

_database = POOLED["default"]
_options = {name: value for name, value in _database["OPTIONS"].items() if name != "pool"}
DATABASES = POOLED | {"default": _database | {"OPTIONS": _options}}
