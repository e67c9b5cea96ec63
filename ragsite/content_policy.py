"""Content-Security-Policy: what a browser may load and run from a reply. Pages say `'self'`, data says nothing at all.

https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


class ContentPolicy(CSPMiddleware):
    """The middleware that gives pages their policy. A reply that has one already keeps it, and none is built for it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response with a policy."""
        if response.has_header(HEADER):
            return response
        return super().process_response(request, response)


class DataView(APIView):
    """A view whose replies are data for programs. Should a browser show one as a page, it loads and runs nothing."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Return the response with the policy of data."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final[HEADER] = DATA_POLICY
        return final
