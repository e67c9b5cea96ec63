"""Theme and navigation of the admin, grouped by task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may_see(model: str) -> Callable[[HttpRequest], bool]:
    """Return a check whether somebody may see a model's list, as its admin decides."""

    def check(request: HttpRequest) -> bool:
        return admin.site.get_model_admin(apps.get_model(model)).has_view_permission(request)

    return check


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and getattr(request.user, "is_superuser", False)


_links: list[Any] = []  # of all entries that lead to a list or one of ragsite's own pages


def _is_at(link: Any) -> Callable[[HttpRequest], bool]:
    """Return a check whether an entry is the one to mark: its address is the longest that the page's begins with."""
    _links.append(link)

    def check(request: HttpRequest) -> bool:
        return str(link) == max(
            (each for each in map(str, _links) if request.path.startswith(each)), key=len, default=""
        )

    return check


def _list(title: str, icon: str, model: str, permission: Callable[[HttpRequest], bool] | None = None) -> dict[str, Any]:
    """Return an entry that leads to a model's list."""
    app, name = model.lower().split(".")
    link = reverse_lazy(f"admin:{app}_{name}_changelist")
    return _entry(title, icon, link, permission or _may_see(model))


def _page(title: str, icon: str, name: str, permission: Callable[[HttpRequest], bool]) -> dict[str, Any]:
    """Return an entry that leads to one of ragsite's own pages."""
    return _entry(title, icon, reverse_lazy(f"admin:{name}"), permission)


def _entry(title: str, icon: str, link: Any, permission: Callable[[HttpRequest], bool]) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link, "permission": permission, "active": _is_at(link)}


def _may_add_documents(request: HttpRequest) -> bool:
    return admin.site.get_model_admin(apps.get_model("documents.Document")).has_add_permission(request)


def _operations(title: str, icon: str, model: str) -> dict[str, Any]:
    return _list(title, icon, model, _is_superuser)


NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [{"title": "Home", "icon": "home", "link": reverse_lazy("admin:index")}],
    },
    {
        "title": "Documents",
        "items": [
            _list("Corpora", "folder", "documents.Corpus"),
            _list("Documents", "description", "documents.Document"),
            _page("Upload", "upload_file", "documents_document_upload", _may_add_documents),
            _page("Jobs", "pending_actions", "documents_document_jobs", _may_add_documents),
            _list("Embedding models", "hub", "documents.EmbeddingSpace"),
        ],
    },
    {
        "title": "Questions",
        "items": [
            _list("Questions", "forum", "querying.QueryLog"),
            _list("Feedback", "thumbs_up_down", "querying.Feedback"),
        ],
    },
    {
        "title": "Caches",
        "items": [
            _list("Caches", "bolt", "querying.CacheCount"),
            _list("Similar questions", "join_inner", "querying.SemanticCacheLimit"),
        ],
    },
    {
        "title": "People",
        "items": [
            _list("Members", "group", "documents.Membership"),
            _list("Reader groups", "groups", "documents.ReaderGroup"),
            _list("API keys", "key", "documents.ApiKey"),
        ],
    },
    {
        "title": "Operations",
        "items": [
            _operations("Users", "person", "auth.User"),
            _operations("Tenants", "apartment", "documents.Tenant"),
            _operations("Model servers", "dns", "monitoring.Switch"),
            _operations("Circuit events", "electrical_services", "monitoring.CircuitEvent"),
            _operations("Sign-in attempts", "lock_clock", "documents.LoginAttempts"),
            _operations("Wrong answers from the cache", "report", "querying.FalseHit"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "ragsite",
    "SITE_HEADER": "ragsite",
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("ragsite/icon.svg"),
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
    "DASHBOARD_CALLBACK": "monitoring.dashboard.home",
    "SHOW_BACK_BUTTON": True,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
}
