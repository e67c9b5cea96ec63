"""Content-Security-Policy: what a browser may load and run from a reply. Pages say `'self'`, data says nothing at all.

https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


class ContentPolicy(CSPMiddleware):
    """The middleware that gives pages their policy. A reply that has one already keeps it, and none is built for it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response with a policy."""
        if response.has_header(HEADER):
            return response
        return super().process_response(request, response)
