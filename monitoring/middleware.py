"""Middleware for all requests: refuses unknown HTTP methods, and gives each request an id."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from ragsite.web.request_id import current_request_id

GetResponse = Callable[[HttpRequest], HttpResponseBase]
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class KnownMethodsOnly:
    """Answers 405 to methods that nobody uses: each would become a label value in the metrics, for ever."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, or 405."""
        if request.method not in KNOWN_METHODS:
            return JsonResponse(
                {
                    "type": "about:blank",
                    "title": "Method not allowed",
                    "status": 405,
                    "detail": "Use GET, POST, PUT, PATCH or DELETE.",
                    "code": "method_not_allowed",
                },
                status=405,
                content_type="application/problem+json",
                headers={"Allow": ", ".join(sorted(KNOWN_METHODS))},
            )
        return self.get_response(request)


class RequestId:
    """Gives every request an id: the caller's X-Request-ID when it is a plain word, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response with the id in X-Request-ID."""
        given = request.headers.get("X-Request-ID", "")
        request_id = given if ACCEPTABLE_ID.fullmatch(given) else uuid4().hex
        # Not reset afterwards: a stream's generator runs after this returns, and its log lines need the id.
        current_request_id.set(request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response
