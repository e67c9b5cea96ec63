"""Logs one line per request, by which a reply's X-Request-ID leads to everything that was logged for it.

Nothing that a user typed is logged: the route instead of the path, and no query string. Every line has the id.
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
# Requested every few seconds by monitoring. Logged at DEBUG, so that they don't hide other requests.
PROBES = frozenset({"health", "health/live", "health/ready", "metrics"})
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class AccessLog:
    """Middleware: logs method, route, status and milliseconds; of a stream when it has ended."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, and log the request when it has ended."""
        started = time.monotonic()
        response = self.get_response(request)
        if response.streaming:  # logged when the stream ends, also when the client has left
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
