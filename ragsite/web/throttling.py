"""Rate limits of the API: by key, else by user, else by address."""

from __future__ import annotations

import ipaddress
import math
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ragsite.web.rate_limits import take
from ragsite.web.rates import Quota, Rate, parse_rate

if TYPE_CHECKING:  # rest_framework.views itself imports this module: it is in the settings
    from rest_framework.views import APIView

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ScopedThrottle(BaseThrottle):
    """Limits what a view's `throttle_scope` names: RATE_LIMIT_QUERY for `query`, and so on. Reading is not limited.

    A view may say what a request costs with `throttle_cost(request)`.
    """

    def __init__(self) -> None:
        self._wait_seconds = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return whether the request may go on, and count it."""
        scope: str | None = getattr(view, "throttle_scope", None)
        if scope is None or request.method in READING:
            return True
        rate = parse_rate(getattr(settings, f"RATE_LIMIT_{scope.upper()}"))
        if rate is None:
            return True
        cost = view.throttle_cost(request) if hasattr(view, "throttle_cost") else 1
        quota = take(scope, self.identity_of(request), rate, cost=cost)
        request.rate_limit_headers = headers_of(scope, rate, quota)  # type: ignore[attr-defined]
        self._wait_seconds = quota.wait_seconds
        return not quota.wait_seconds

    def wait(self) -> float:
        """Return the seconds for Retry-After."""
        return max(1, math.ceil(self._wait_seconds))

    def identity_of(self, request: Request) -> str:
        """Return who asks. Of X-Forwarded-For only what NUM_PROXIES own proxies wrote is believed."""
        if request.auth is not None and getattr(request.auth, "pk", None) is not None:
            return f"key:{request.auth.pk}"
        if request.user is not None and request.user.is_authenticated:
            return f"user:{request.user.pk}"
        return f"ip:{_network_of(str(self.get_ident(request) or ''))}"


def network_of(request: HttpRequest | None) -> str:
    """Return the address, or the network, that a request counts for; proxies are believed as NUM_PROXIES says."""
    if request is None:
        return ""
    return _network_of(str(ScopedThrottle().get_ident(cast(Request, request)) or ""))


def headers_of(scope: str, rate: Rate, quota: Quota) -> dict[str, str]:
    """Return the policy and what is left of it, as structured fields (draft-ietf-httpapi-ratelimit-headers-10)."""
    return {
        "RateLimit-Policy": f'"{scope}";q={rate.limit};w={rate.window_seconds}',
        "RateLimit": f'"{scope}";r={quota.remaining};t={math.ceil(quota.resets_seconds)}',
    }


def _network_of(address: str) -> str:
    """Return an IPv4 address, the /64 of an IPv6 one (a household has all of it), and anything else cut short."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
