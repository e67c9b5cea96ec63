"""Access to metrics: with METRICS_TOKEN, or, where none is set, from this machine without a proxy in between.

Behind a proxy on this machine every request comes from the loopback address, and no header tells reliably that there is
a proxy. So where a proxy is configured, the address proves nothing, and a token is needed.
"""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from ragsite.web.exception_handler import ProblemResponse, problem_document

# Any of these headers shows a proxy that is not configured. They only refuse: their absence proves nothing.
FORWARDING = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


def may_read_metrics(request: HttpRequest) -> bool:
    """Return whether the request has the token, or comes from this machine where that means something."""
    token: str = settings.METRICS_TOKEN.strip()
    if token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    is_forwarded = any(name in request.headers for name in FORWARDING)
    return not settings.IS_BEHIND_PROXY and not is_forwarded and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def refusal() -> HttpResponse:
    """Return 401 with the way to authenticate."""
    detail = (
        "Send the token: `Authorization: Bearer ...`."
        if settings.METRICS_TOKEN
        else "Set METRICS_TOKEN and send it: `Authorization: Bearer ...`. Without one, only this machine may read "
        "figures, and nobody where a proxy is configured."
    )
    return ProblemResponse(
        problem_document(401, "metrics_token_needed", detail), status=401, headers={"WWW-Authenticate": "Bearer"}
    )


def _is_loopback(address: str) -> bool:
    """Return whether it is an address of this machine. A Unix socket has none: behind it is a proxy."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
