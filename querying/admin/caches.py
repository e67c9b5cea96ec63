"""Admin pages of the caches, for managers of a corpus: its report, and buttons to purge and to warm its caches."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from documents.access.policy import Principal
from documents.admin.scoping import ReadOnlyAdmin, is_superuser, manageable_corpora, principal_of
from documents.models import Corpus
from querying.admin.cache_report import overview_of, report_on
from querying.cachestore.memory import memory
from querying.caching.purge import purge
from querying.caching.searches import search_memory
from querying.jobs import TOP, queue_warming
from querying.models import CacheCount


@admin.register(CacheCount)
class CacheAdmin(ReadOnlyAdmin):
    """An overview of the corpora instead of a list of counts, and a page for each corpus."""

    readonly_fields = ["corpus_id", "layer", "since", "hits", "misses"]

    def readable(self, principal: Principal) -> QuerySet[CacheCount]:
        """Return the counts of the corpora that the principal manages."""
        return CacheCount.objects.filter(corpus_id__in=manageable_corpora(principal).values("pk"))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user manages a corpus; for a row, whether it is of such a corpus."""
        if obj is not None:
            return super().has_view_permission(request, obj)
        is_staff = request.user.is_active and getattr(request.user, "is_staff", False)
        return is_staff and (is_superuser(request) or manageable_corpora(principal_of(request)).exists())

    def get_urls(self) -> list[URLPattern]:
        """Return the routes of the pages and of the inherited views."""
        own = [
            path("corpus/<int:corpus_id>/", self._guarded(self.corpus_view), name="querying_cache_corpus"),
            path(
                "corpus/<int:corpus_id>/purge/",
                self._guarded(require_POST(self.purge_view)),
                name="querying_cache_purge",
            ),
            path(
                "corpus/<int:corpus_id>/warm/", self._guarded(require_POST(self.warm_view)), name="querying_cache_warm"
            ),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return the overview of the corpora."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        corpora = manageable_corpora(principal_of(request)).select_related("tenant")
        memories = [("answers", memory().usage()), ("search results", search_memory().usage())]
        return self._page(
            request,
            "admin/querying/caches.html",
            title="Caches",
            lines=overview_of(corpora),
            memories=memories if is_superuser(request) else [],
        )

    def corpus_view(self, request: HttpRequest, corpus_id: int) -> HttpResponse:
        """Return the cache report of a corpus."""
        corpus = _managed(request, corpus_id)
        managed = manageable_corpora(principal_of(request)).values_list("pk", flat=True)
        return self._page(
            request,
            "admin/querying/corpus_caches.html",
            title=f"Caches of {corpus.name}",
            report=report_on(corpus, list(managed)),
            top=TOP,
            is_switched_on=_is_switched_on(),
            has_redis=bool(settings.REDIS_URL),
        )

    def purge_view(self, request: HttpRequest, corpus_id: int) -> HttpResponse:
        """Purge the caches of a corpus."""
        corpus = _managed(request, corpus_id)
        purged = purge([corpus.pk])
        self.log_change(request, corpus, "Purged its caches.")
        self.message_user(request, f"Forgotten: {purged.answers} answers and {purged.searches} search results.")
        return _back_to(corpus)

    def warm_view(self, request: HttpRequest, corpus_id: int) -> HttpResponse:
        """Queue the warming of the caches of a corpus."""
        corpus = _managed(request, corpus_id)
        if not _is_switched_on():
            self.message_user(request, "The cache of answers is switched off.", messages.WARNING)
        elif queue_warming(corpus):
            self.log_change(request, corpus, "Asked for its caches to be warmed.")
            self.message_user(request, "A worker will ask the most asked questions again, behind waiting documents.")
        else:
            self.message_user(request, "A worker is about to do that already.", messages.WARNING)
        return _back_to(corpus)

    def _guarded(self, view: Any) -> Any:
        return self.admin_site.admin_view(view)

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **context})


def _managed(request: HttpRequest, corpus_id: int) -> Corpus:
    """Return the corpus. Raises Http404 for one that this user doesn't manage."""
    return get_object_or_404(manageable_corpora(principal_of(request)).select_related("tenant"), pk=corpus_id)


def _is_switched_on() -> bool:
    return bool(settings.ENABLE_CACHING and settings.ENABLE_ANSWER_CACHE)


def _back_to(corpus: Corpus) -> HttpResponse:
    return redirect("admin:querying_cache_corpus", corpus_id=corpus.pk)
