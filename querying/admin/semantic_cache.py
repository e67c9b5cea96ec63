"""Admin of the semantic cache per corpus: its threshold, the reports against it, and its switch."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from documents.access.policy import Principal
from documents.admin.saving import changed_fields
from documents.admin.scoping import CorpusFilter, ReadOnlyAdmin, ScopedAdmin, manageable_corpora
from querying.caching.semantic_limits import counted_from, reports_for, switch_off, switch_on
from querying.models import FalseHit, SemanticCacheLimit


@admin.register(SemanticCacheLimit)
class SemanticCacheLimitAdmin(ScopedAdmin):
    """The limits that managers set for their corpora. A corpus without a row has the server's settings."""

    list_display = ["corpus", "similarity", "budget", "is_off", "off_since"]
    list_filter = ["is_off", ("corpus", CorpusFilter)]
    search_fields = ["corpus__name", "corpus__slug"]
    list_select_related = ["corpus"]
    readonly_fields = ["off_since", "reports"]
    choices = {"corpus": manageable_corpora}
    actions = ["switch_on"]

    def readable(self, principal: Principal) -> QuerySet[SemanticCacheLimit]:
        """Return the rows of the corpora that the principal manages."""
        return SemanticCacheLimit.objects.filter(corpus__in=manageable_corpora(principal))

    def editable(self, principal: Principal) -> QuerySet[SemanticCacheLimit]:
        """Return the same rows."""
        return self.readable(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether the principal manages a corpus."""
        return manageable_corpora(principal).exists()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Return the read-only fields; the corpus of a row never changes."""
        return [*self.readonly_fields, *(["corpus"] if obj else [])]

    def save_model(self, request: HttpRequest, obj: SemanticCacheLimit, form: ModelForm[Any], change: bool) -> None:
        """Save the form; a cache that is switched on again ignores earlier reports."""
        changed = [*changed_fields(obj, form)]
        if "is_off" in changed:
            (switch_off if obj.is_off else switch_on)(obj)
            changed += ["off_since", "counted_since"]
        # Only the changed fields: the cache may have switched itself off since the form was opened.
        obj.save(update_fields=changed if change else None)

    @admin.display(description="reports that count")
    def reports(self, limit: SemanticCacheLimit) -> int:
        """Return the number of reports that count against the corpus."""
        return reports_for(limit.corpus_id, counted_from(limit)) if limit.corpus_id else 0

    @admin.action(description="Switch the semantic cache on again", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[SemanticCacheLimit]) -> None:
        """Switch the semantic cache on for the chosen corpora, if it is off."""
        limits = self.editable(Principal.of(request.user)).filter(pk__in=queryset.values("pk"), is_off=True)
        for limit in limits:
            switch_on(limit)
            limit.save()
        self.message_user(request, "The semantic cache answers for these corpora again.")


@admin.register(FalseHit)
class FalseHitAdmin(ReadOnlyAdmin):
    """Reported questions, which the semantic cache answers no more."""

    list_display = ["created_at", "question_beginning", "query"]
    list_filter = ["created_at"]
    search_fields = ["question"]
    list_select_related = ["query"]
    readonly_fields = ["created_at", "question", "corpora", "query"]

    def readable(self, principal: Principal) -> QuerySet[FalseHit]:
        """Return all reports to a superuser; others see none, because they contain questions of readers."""
        is_superuser = principal.user is not None and principal.user.is_superuser
        return FalseHit.objects.all() if is_superuser else FalseHit.objects.none()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user may delete the report, which allows the question again."""
        return self._is_among(self.readable, request, obj)

    @admin.display(description="question")
    def question_beginning(self, report: FalseHit) -> str:
        """Return the beginning of the question."""
        return report.question[:100]
