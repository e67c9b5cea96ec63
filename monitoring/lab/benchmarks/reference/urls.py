"""Routes of a benchmarked server: all of ragsite's, and the constant view."""

from __future__ import annotations

from django.urls import include, path

from monitoring.lab.benchmarks.reference.views import ConstantView

urlpatterns = [path("benchmark/constant", ConstantView.as_view()), path("", include("ragsite.urls"))]

handler400 = "ragsite.web.error_pages.bad_request"
handler403 = "ragsite.web.error_pages.forbidden"
handler404 = "ragsite.web.error_pages.not_found"
handler500 = "ragsite.web.error_pages.server_error"
