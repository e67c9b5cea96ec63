"""Routes of health probes and metrics."""

from __future__ import annotations

from django.urls import path

from monitoring import views

urlpatterns = [
    path("health", views.health_view, name="health"),
    path("health/live", views.live_view, name="live"),
    path("health/ready", views.ready_view, name="ready"),
    path("metrics", views.metrics_view, name="metrics"),
    path("api/pool/stats", views.pool_view, name="pool-stats"),
    path("monitoring/pool-status", views.pool_view, name="pool-status"),
    path("monitoring/performance-metrics", views.performance_view, name="performance-metrics"),
]
