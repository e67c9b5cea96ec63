"""A small WSGI application, served in the place of ragsite: it asks Postgres for what it was asked for, many times.

`GET /?tag=N&times=T` counts the answers that were somebody else's, each over a connection that is taken from the pool
and given back. With OPEN_A_POOL_FIRST set, it opens a pool while it is imported, as careless code does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from urllib.parse import parse_qs

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ragsite.settings")
django.setup()

from django.db import connection  # noqa: E402 - needs the settings

SLEEP_SECONDS = 0.001


def application(environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Return `foreign rows, errors`."""
    asked = parse_qs(environ["QUERY_STRING"])
    foreign = 0
    for number in range(int(asked["times"][0]) if "times" in asked else 0):
        tag = f"{os.getpid()}-{asked['tag'][0]}-{number}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s, pg_sleep(%s)", [tag, SLEEP_SECONDS])
            foreign += cursor.fetchone()[0] != tag
        connection.close()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(foreign).encode()]


if os.environ.get("OPEN_A_POOL_FIRST"):
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
