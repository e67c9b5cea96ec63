"""Routes of all apps."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema", metadata_class=None), name="docs"),
    path("", include("documents.api.urls")),
    path("", include("querying.urls")),
    path("", include("monitoring.urls")),
]

handler400 = "ragsite.web.error_pages.bad_request"
handler403 = "ragsite.web.error_pages.forbidden"
handler404 = "ragsite.web.error_pages.not_found"
handler500 = "ragsite.web.error_pages.server_error"
