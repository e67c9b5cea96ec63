"""What was asked, and what readers said of the answers. Logs: nobody changes them, and only a superuser reads them.

A log line names corpora by their slugs, which two tenants may share; so it can't be shown to a tenant's staff.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet

from documents.access import Principal
from documents.admin.scoping import ReadOnlyAdmin
from querying import semantic_admin as semantic_admin  # registers its own
from querying.cache_admin import CacheAdmin
from querying.models import AnswerClaim, CachedAnswer, CacheEntry, Feedback, QueryLog

__all__ = ["CacheAdmin"]


@admin.register(QueryLog)
class QueryLogAdmin(ReadOnlyAdmin):
    """Questions and how they were answered."""

    list_display = ["created_at", "user", "question_beginning", "answer_mode", "outcome", "total_ms", "request_id"]
    list_filter = ["answer_mode", "outcome", "created_at"]
    search_fields = ["question", "=request_id"]
    search_help_text = "Words of the question, or the X-Request-ID of a reply."
    list_select_related = ["user"]
    readonly_fields = [field.name for field in QueryLog._meta.concrete_fields]

    def readable(self, principal: Principal) -> QuerySet[QueryLog]:
        """Return all questions to a superuser."""
        is_superuser = principal.user is not None and principal.user.is_superuser
        return QueryLog.objects.all() if is_superuser else QueryLog.objects.none()

    @admin.display(description="question")
    def question_beginning(self, entry: QueryLog) -> str:
        """Return the beginning of the question."""
        return entry.question[:100]


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    """Thumbs, and the words that came with them."""

    list_display = ["created_at", "rating", "comment", "query", "user"]
    list_filter = ["rating", "created_at"]
    search_fields = ["comment", "query__question"]
    list_select_related = ["query", "user"]
    readonly_fields = [field.name for field in Feedback._meta.concrete_fields]

    def readable(self, principal: Principal) -> QuerySet[Feedback]:
        """Return all feedback to a superuser."""
        is_superuser = principal.user is not None and principal.user.is_superuser
        return Feedback.objects.all() if is_superuser else Feedback.objects.none()


@admin.register(CachedAnswer)
class CachedAnswerAdmin(ReadOnlyAdmin):
    """Answers that may be given again; `purge_cache` forgets them."""

    list_display = ["created_at", "question_beginning", "hits", "last_used", "key"]
    list_filter = ["created_at"]
    search_fields = ["question"]
    # Not the vector: a long list of numbers that says nothing to a reader.
    readonly_fields = ["key", "question", "answer", "corpora", "documents", "hits", "created_at", "last_used"]
    exclude = ["embedding", "stale_key", "alike_key"]

    def readable(self, principal: Principal) -> QuerySet[CachedAnswer]:
        """Return all cached answers, without their vectors, to a superuser."""
        is_superuser = principal.user is not None and principal.user.is_superuser
        answers = CachedAnswer.objects.defer("embedding")
        return answers if is_superuser else answers.none()

    @admin.display(description="question")
    def question_beginning(self, answer: CachedAnswer) -> str:
        """Return the beginning of the question."""
        return answer.question[:100]


@admin.register(CacheEntry)
class CacheEntryAdmin(ReadOnlyAdmin):
    """Searches and vectors that may be used again."""

    list_display = ["created_at", "kind", "key"]
    list_filter = ["kind", "created_at"]
    readonly_fields = ["key", "kind", "corpora", "documents", "created_at"]  # not the value: numbers, or whole passages

    def readable(self, principal: Principal) -> QuerySet[CacheEntry]:
        """Return all entries, without what they hold, to a superuser."""
        is_superuser = principal.user is not None and principal.user.is_superuser
        entries = CacheEntry.objects.defer("value")
        return entries if is_superuser else entries.none()


@admin.register(AnswerClaim)
class AnswerClaimAdmin(ReadOnlyAdmin):
    """Answers that some process makes right now."""

    list_display = ["key", "owner", "expires_at"]
    readonly_fields = [field.name for field in AnswerClaim._meta.concrete_fields]

    def readable(self, principal: Principal) -> QuerySet[AnswerClaim]:
        """Return all claims to a superuser."""
        is_superuser = principal.user is not None and principal.user.is_superuser
        return AnswerClaim.objects.all() if is_superuser else AnswerClaim.objects.none()
