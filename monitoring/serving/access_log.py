"""One line in the log for every request that was served: what leads from a reply's X-Request-ID to what happened.

Nothing that a user typed is in it: the route instead of the path, and no query string. The id is on every line.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from django.http import HttpRequest
from django.http.response import HttpResponseBase

logger = logging.getLogger("ragsite.access")
NO_ROUTE = "-"
# Asked every few seconds by machines. At DEBUG, so that the log is about people and programs.
PROBES = frozenset({"health", "health/live", "health/ready", "metrics"})
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class AccessLog:
    """Middleware: logs method, route, status and milliseconds; of a stream when it has ended."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response."""
        started = time.monotonic()
        response = self.get_response(request)
        if response.streaming:  # its end is that of the answer, also when the reader has left
            closers = response._resource_closers  # type: ignore[attr-defined]  # where Django's own handler adds
            closers.append(partial(log, request, response.status_code, started))
        else:
            log(request, response.status_code, started)
        return response


def log(request: HttpRequest, status: int, started: float) -> None:
    """Log a request that was served from `started` (monotonic clock) until now; the page's own files are left out."""
    match = request.resolver_match
    if match is None and status < 400:
        return
    route = NO_ROUTE if match is None else match.route or "/"
    level = logging.DEBUG if route in PROBES and status < 400 else logging.INFO
    if logger.isEnabledFor(level):
        milliseconds = round((time.monotonic() - started) * 1000, 1)
        what = {"method": request.method, "route": route, "status": status, "ms": milliseconds}
        logger.log(level, "%s %s %s %s ms", *what.values(), extra=what)
