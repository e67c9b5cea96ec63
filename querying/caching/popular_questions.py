"""The questions that a corpus is asked most: for warming its caches, and for who manages it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q
from django.utils import timezone

from querying.models import QueryLog
from querying.types import AnswerMode

LOOKED_AT = 50_000  # newest entries of the log: a count over years of questions helps nobody
FROM_CACHE = [AnswerMode.CACHED.value, AnswerMode.CACHED_SEMANTIC.value]


@dataclass(frozen=True)
class AskedOften:
    """A question, how often it was asked, how often a cache had the answer, and when it was asked last."""

    question: str
    times: int
    from_cache: int
    last_at: datetime


def most_asked(corpus_id: int, *, days: float, top: int) -> list[AskedOften]:
    """Return the questions that this corpus alone was asked most, and answered, most asked first."""
    return _most_asked(Q(corpus_ids=[corpus_id]), days=days, top=top)


def most_asked_among(corpus_id: int, managed: Collection[int], *, days: float, top: int) -> list[AskedOften]:
    """Return the questions that this corpus was asked most, together with others of `managed` or alone.

    A question to a corpus of somebody else as well is not for the eyes of who manages this one.
    """
    asked = Q(corpus_ids__contains=[corpus_id], corpus_ids__contained_by=list(managed))
    return _most_asked(asked, days=days, top=top)


def _most_asked(asked: Q, *, days: float, top: int) -> list[AskedOften]:
    since = timezone.now() - timedelta(days=days)
    newest = QueryLog.objects.filter(created_at__gte=since).order_by("-created_at").values("pk")[:LOOKED_AT]
    rows = (
        QueryLog.objects.filter(asked, pk__in=newest, outcome="done")
        .order_by()
        .values("question")
        .annotate(
            times=Count("pk"),
            from_cache=Count("pk", filter=Q(answer_mode__in=FROM_CACHE)),
            last_at=Max("created_at"),
        )
        .order_by("-times", "-last_at")
    )
    return [AskedOften(**row) for row in rows[:top]]
