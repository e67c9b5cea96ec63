"""Views of health, readiness and metrics."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from monitoring.health.readiness import readiness
from monitoring.health.services import health
from monitoring.performance.metrics_access import may_read_metrics, refusal
from monitoring.performance.prometheus_figures import current_page
from monitoring.performance.report import performance_report
from ragsite.postgres.pool_stats import pool_stats


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
    """Return metrics in Prometheus' text format, or 401: see `monitoring.performance.metrics_access`."""
    if not may_read_metrics(request):
        return refusal()
    return HttpResponse(current_page(), content_type=CONTENT_TYPE_LATEST)


@require_safe
@never_cache
def performance_view(request: HttpRequest) -> HttpResponse:
    """Return durations, pool, caches and recommendations, or 401 without access to /metrics."""
    if not may_read_metrics(request):
        return refusal()
    return JsonResponse(performance_report())
