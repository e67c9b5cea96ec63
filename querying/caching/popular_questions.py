"""Lists the most frequent questions to a corpus: to warm its caches, and for its managers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q
from django.utils import timezone

from querying.models import QueryLog
from querying.types import AnswerMode

LOOKED_AT = 50_000  # newest rows of the query log: old questions are no guide
FROM_CACHE = [AnswerMode.CACHED.value, AnswerMode.CACHED_SEMANTIC.value]


@dataclass(frozen=True)
class PopularQuestion:
    """A question, the number of times it was asked and answered from a cache, and the last time."""

    question: str
    times: int
    from_cache: int
    last_at: datetime


def most_asked(corpus_id: int, *, days: float, top: int) -> list[PopularQuestion]:
    """Return the most frequent answered questions to this corpus alone, most frequent first."""
    return _most_asked(Q(corpus_ids=[corpus_id]), days=days, top=top)


def most_asked_among(corpus_id: int, managed: Collection[int], *, days: float, top: int) -> list[PopularQuestion]:
    """Return the most frequent questions to this corpus, alone or together with others of `managed`.

    Questions that went to a corpus of another manager, too, are left out.
    """
    asked = Q(corpus_ids__contains=[corpus_id], corpus_ids__contained_by=list(managed))
    return _most_asked(asked, days=days, top=top)


def _most_asked(asked: Q, *, days: float, top: int) -> list[PopularQuestion]:
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
    return [PopularQuestion(**row) for row in rows[:top]]
