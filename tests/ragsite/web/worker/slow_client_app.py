"""ragsite, with two addresses more that slow clients are tested with."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ragsite.wsgi import application as ragsite

BIG = bytes(range(256)) * 24_000  # 6 MB: more than the system keeps for a client


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Return a long reply, what was sent, or what ragsite does."""
    path = environ["PATH_INFO"]
    if path not in {"/test/big", "/test/echo", "/test/slow"}:
        return ragsite(environ, start_response)
    if path == "/test/slow":
        time.sleep(1.5)
    body = BIG if path == "/test/big" else environ["wsgi.input"].read() or b"nothing"
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
    return [body]
