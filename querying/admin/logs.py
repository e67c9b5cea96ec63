"""Admin of the query log, feedback and cache tables, all of them read-only.

Managers see the questions to their own corpora; one that was asked of another tenant's corpus as well stays hidden.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from documents.access.policy import Principal
from documents.admin.scoping import ReadOnlyAdmin, is_superuser, manageable_corpora, principal_of
from documents.admin.showing import BAD, GOOD, badge
from querying.admin.explaining import ExplainPage
from querying.log_access import visible_questions
from querying.models import AnswerClaim, CachedAnswer, CacheEntry, Feedback, QueryLog


class ForManagers(ReadOnlyAdmin):
    """A log whose list opens for every manager of a corpus, also while it is empty."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user manages a corpus; for a row, whether they may see it."""
        if obj is not None:
            return super().has_view_permission(request, obj)
        is_staff = request.user.is_active and getattr(request.user, "is_staff", False)
        return is_staff and (is_superuser(request) or manageable_corpora(principal_of(request)).exists())


@admin.register(QueryLog)
class QueryLogAdmin(ExplainPage, ForManagers):
    """Questions and how they were answered."""

    list_display = ["question_beginning", "answered", "milliseconds", "user", "created_at"]
    list_filter = ["answer_mode", "outcome", "created_at"]
    search_fields = ["question", "=request_id"]
    search_help_text = "Words of the question, or the X-Request-ID of a reply."
    list_select_related = ["user"]
    readonly_fields = [field.name for field in QueryLog._meta.concrete_fields]

    def readable(self, principal: Principal) -> QuerySet[QueryLog]:
        """Return the questions to corpora that the principal manages; to a superuser, all."""
        return visible_questions(principal)

    @admin.display(description="answer", ordering="answer_mode")
    def answered(self, entry: QueryLog) -> SafeString:
        """Return the answer's mode."""
        if entry.outcome != "done":
            return badge(entry.outcome.replace("_", " "), BAD)
        return badge(entry.answer_mode.replace("_", " "), GOOD)

    @admin.display(description="took", ordering="total_ms")
    def milliseconds(self, entry: QueryLog) -> str:
        """Return the time of the reply in ms."""
        return f"{entry.total_ms:,.0f} ms"

    @admin.display(description="question")
    def question_beginning(self, entry: QueryLog) -> str:
        """Return the beginning of the question."""
        return entry.question[:100]


@admin.register(Feedback)
class FeedbackAdmin(ForManagers):
    """Ratings and comments of readers."""

    list_display = ["thumb", "question_beginning", "comment", "user", "created_at"]
    list_filter = ["rating", "created_at"]
    search_fields = ["comment", "query__question"]
    list_select_related = ["query", "user"]
    readonly_fields = [field.name for field in Feedback._meta.concrete_fields]

    def readable(self, principal: Principal) -> QuerySet[Feedback]:
        """Return the feedback on questions that the principal may see."""
        if principal.user is not None and principal.user.is_superuser:
            return Feedback.objects.all()
        return Feedback.objects.filter(query__in=visible_questions(principal).values("pk"))

    @admin.display(description="rating", ordering="rating")
    def thumb(self, feedback: Feedback) -> SafeString:
        """Return the rating as a thumb."""
        return badge("right", GOOD) if feedback.rating > 0 else badge("wrong", BAD)

    @admin.display(description="question")
    def question_beginning(self, feedback: Feedback) -> str:
        """Return the beginning of the question."""
        return feedback.query.question[:100]


@admin.register(CachedAnswer)
class CachedAnswerAdmin(ReadOnlyAdmin):
    """Cached answers; `purge_cache` deletes them."""

    is_internal = True
    list_display = ["created_at", "question_beginning", "hits", "last_used", "key"]
    list_filter = ["created_at"]
    search_fields = ["question"]
    # Not the vector, a long list of numbers.
    readonly_fields = ["key", "question", "answer", "corpora", "documents", "hits", "created_at", "last_used"]
    exclude = ["embedding", "stale_key", "alike_key"]

    def readable(self, principal: Principal) -> QuerySet[CachedAnswer]:
        """Return all cached answers, without their vectors, to a superuser."""
        sees_all = principal.user is not None and principal.user.is_superuser
        answers = CachedAnswer.objects.defer("embedding")
        return answers if sees_all else answers.none()

    @admin.display(description="question")
    def question_beginning(self, answer: CachedAnswer) -> str:
        """Return the beginning of the question."""
        return answer.question[:100]


@admin.register(CacheEntry)
class CacheEntryAdmin(ReadOnlyAdmin):
    """Cached searches and question vectors."""

    is_internal = True
    list_display = ["created_at", "kind", "key"]
    list_filter = ["kind", "created_at"]
    readonly_fields = ["key", "kind", "corpora", "documents", "created_at"]  # not the value: numbers, or whole passages

    def readable(self, principal: Principal) -> QuerySet[CacheEntry]:
        """Return all entries, without their values, to a superuser."""
        sees_all = principal.user is not None and principal.user.is_superuser
        entries = CacheEntry.objects.defer("value")
        return entries if sees_all else entries.none()


@admin.register(AnswerClaim)
class AnswerClaimAdmin(ReadOnlyAdmin):
    """Claims of processes on the answers that they compute now."""

    is_internal = True
    list_display = ["key", "owner", "expires_at"]
    readonly_fields = [field.name for field in AnswerClaim._meta.concrete_fields]

    def readable(self, principal: Principal) -> QuerySet[AnswerClaim]:
        """Return all claims to a superuser."""
        sees_all = principal.user is not None and principal.user.is_superuser
        return AnswerClaim.objects.all() if sees_all else AnswerClaim.objects.none()
