"""Content-Security-Policy of replies: pages may load and run scripts of this server, data nothing at all.

https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

from csp.constants import HEADER, UNSAFE_EVAL
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


class ContentPolicy(CSPMiddleware):
    """The middleware that gives pages their policy. A reply that has one already keeps it, and none is built for it.

    The admin's theme (django-unfold) uses Alpine, which evaluates expressions in its templates: the admin allows that
    with 'unsafe-eval'. Scripts still come from this server only, and none stand in a page.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response with a policy."""
        if response.has_header(HEADER):
            return response
        if request.resolver_match is not None and request.resolver_match.app_name == "admin":
            response._csp_update = {"script-src": [UNSAFE_EVAL]}  # type: ignore[attr-defined]
        return super().process_response(request, response)
