"""Decides per corpus whether the semantic cache may answer, and how near a question must be.

A reader's report that an answer belonged to another question bars that question. After too many reports, the cache
switches itself off for the corpus until a manager switches it on again in the admin.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, FloatField, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import salted_hmac

from documents.models import Corpus
from documents.text.normalization import normalise_question
from querying.models import CacheCount, CachedAnswer, FalseHit, QueryLog, SemanticCacheLimit
from querying.types import AnswerMode
from ragsite.metrics import SEMANTIC_CACHE_OFF, SEMANTIC_FALSE_HITS

logger = logging.getLogger(__name__)
WINDOW_DAYS = 7  # for which hits and reports are counted
REPORTS_MIN = 3  # fewer may be mistakes of one reader


def allowed(rows: QuerySet[CachedAnswer], corpora: Sequence[int], question: str) -> QuerySet[CachedAnswer]:
    """Return the rows that may answer this question to these corpora, whatever their distance.

    None if one of the corpora is switched off. It becomes part of the caller's query, so it needs no query of its own.
    """
    is_off = SemanticCacheLimit.objects.filter(corpus_id__in=corpora, is_off=True)
    barred = FalseHit.objects.filter(corpora__overlap=list(corpora))
    return rows.filter(
        ~Exists(is_off),
        ~Exists(barred.filter(question=question)),
        ~Exists(barred.filter(question=OuterRef("question"))),
    )


def distance_allowed(corpora: Sequence[int]) -> CombinedExpression:
    """Return the largest cosine distance allowed between two questions, by the strictest of these corpora."""
    default = Value(settings.SEMANTIC_CACHE_SIMILARITY, output_field=FloatField())
    own = Coalesce(F("semantic_cache_limit__similarity"), default)
    strictest = Corpus.objects.filter(pk__in=corpora).order_by().values(all=Value(1)).annotate(most=Max(own))
    return Value(1.0) - Coalesce(Subquery(strictest.values("most")), default)


def report_false_hit(query: QueryLog, reporter: str) -> bool:
    """Record a report that an answer belonged to another question; return whether it is the first for that answer.

    `reporter` identifies the reader; only a digest of it is stored.
    """
    if query.answer_mode != AnswerMode.CACHED_SEMANTIC:
        return False
    with transaction.atomic():
        _, is_new = FalseHit.objects.get_or_create(
            query=query,
            defaults={
                "corpora": query.corpus_ids,
                "question": normalise_question(query.question),
                "reporter": salted_hmac("querying.semantic_limits", reporter).hexdigest()[:40],
            },
        )
        if is_new:
            for corpus in Corpus.objects.filter(pk__in=query.corpus_ids):
                _switch_off_beyond_budget(corpus)
    if is_new:
        SEMANTIC_FALSE_HITS.inc()
    return is_new


def reports_for(corpus_id: int, since: datetime) -> int:
    """Return the number of reports for a corpus; those of one reader for one question count once."""
    reports = FalseHit.objects.filter(corpora__contains=[corpus_id], created_at__gt=since)
    return reports.values("reporter", "question").distinct().count()


def counted_from(limit: SemanticCacheLimit | None) -> datetime:
    """Return the time from which reports and hits count."""
    beginning = timezone.now() - timedelta(days=WINDOW_DAYS)
    since = limit.counted_since if limit is not None else None
    return beginning if since is None else max(beginning, since)


def switch_off(limit: SemanticCacheLimit) -> None:
    """Switch the semantic cache off for a corpus. The caller saves the row."""
    limit.is_off, limit.off_since = True, timezone.now()


def switch_on(limit: SemanticCacheLimit) -> None:
    """Switch the semantic cache on for a corpus, and ignore earlier reports. The caller saves the row."""
    limit.is_off, limit.off_since, limit.counted_since = False, None, timezone.now()


def _switch_off_beyond_budget(corpus: Corpus) -> None:
    limit = SemanticCacheLimit.objects.filter(corpus=corpus).first()
    since = counted_from(limit)
    reports = reports_for(corpus.pk, since)
    own = limit.budget if limit is not None else None
    budget = settings.SEMANTIC_CACHE_FALSE_HIT_BUDGET if own is None else own
    if reports < REPORTS_MIN or reports <= budget * _hits(corpus.pk, since):
        return
    if limit is None:
        limit, _ = SemanticCacheLimit.objects.get_or_create(corpus=corpus)
    now = timezone.now()
    if SemanticCacheLimit.objects.filter(Q(is_off=False), pk=limit.pk).update(is_off=True, off_since=now):
        SEMANTIC_CACHE_OFF.inc()
        logger.warning(
            "the semantic cache is switched off for corpus %d: %d of its answers were reported as answers to another"
            " question within %d days",
            corpus.pk,
            reports,
            WINDOW_DAYS,
        )


def _hits(corpus_id: int, since: datetime) -> int:
    counts = CacheCount.objects.filter(corpus_id=corpus_id, layer="semantic", since__gte=since)
    return counts.aggregate(hits=Sum("hits"))["hits"] or 0
