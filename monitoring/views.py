"""Health, readiness, figures."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from monitoring.health import health
from monitoring.performance_report import performance_report
from monitoring.pool import pool_stats
from monitoring.prometheus_figures import current_page
from monitoring.readiness import readiness

LOOPBACK = frozenset({"127.0.0.1", "::1", ""})  # empty: a Unix socket


@require_safe
@never_cache
def health_view(request: HttpRequest) -> JsonResponse:
    """Return the state of every service; 200 whatever it is, because it is for people and dashboards."""
    return JsonResponse(health())


@require_safe
@never_cache
def live_view(request: HttpRequest) -> JsonResponse:
    """Return 200: the process answers. It asks nothing else, so a sick neighbour can't get it restarted."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def ready_view(request: HttpRequest) -> JsonResponse:
    """Return 200 when this process should get requests, else 503 with the reason."""
    ready, report = readiness()
    return JsonResponse(report, status=200 if ready else 503)


@require_safe
@never_cache
def pool_view(request: HttpRequest) -> JsonResponse:
    """Return how full the database pool of the answering process is."""
    return JsonResponse(pool_stats().as_dict())


@require_safe
@never_cache
def metrics_view(request: HttpRequest) -> HttpResponse:
    """Return Prometheus' text format to whoever has the token; without one configured, to this machine only."""
    if not _may_read_metrics(request):
        return HttpResponse("Metrics need the METRICS_TOKEN.\n", status=403, content_type="text/plain")
    return HttpResponse(current_page(), content_type=CONTENT_TYPE_LATEST)


@require_safe
@never_cache
def performance_view(request: HttpRequest) -> HttpResponse:
    """Return times, pool, caches, and what could be changed, to those who may read /metrics."""
    if not _may_read_metrics(request):
        return HttpResponse("Metrics need the METRICS_TOKEN.\n", status=403, content_type="text/plain")
    return JsonResponse(performance_report())


def _may_read_metrics(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    # Behind a proxy on this machine everybody comes from the loopback address, but not without this header.
    return request.META.get("REMOTE_ADDR", "") in LOOPBACK and "X-Forwarded-For" not in request.headers
