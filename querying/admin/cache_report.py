"""Reports the contents and hit rates of the caches of a corpus, for its managers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Func, IntegerField, Max, Min, QuerySet, Sum
from django.utils import timezone

from documents.models import Corpus
from querying.cachestore import shared_entries
from querying.cachestore.hit_counters import LAYERS, QUESTIONS, Rate, rates_of
from querying.caching import answer_table
from querying.caching.popular_questions import PopularQuestion, most_asked_among
from querying.models import CacheCount

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASKED_DAYS, ASKED_SHOWN = 7.0, 25


@dataclass(frozen=True)
class Layer:
    """The rates of a cache layer in the last hour and day; a rate may have no look-ups."""

    name: str
    label: str
    hour: Rate
    day: Rate


@dataclass(frozen=True)
class StoredKind:
    """The rows of one kind in Postgres: number, size and age."""

    label: str
    entries: int
    size_bytes: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True)
class CorpusCaches:
    """The report of one corpus."""

    corpus: Corpus
    layers: Sequence[Layer]
    holdings: Sequence[StoredKind]
    asked: Sequence[PopularQuestion]
    asked_days: float = ASKED_DAYS


@dataclass(frozen=True)
class CorpusRow:
    """One corpus in the overview."""

    corpus: Corpus
    hour: Rate
    day: Rate


def report_on(corpus: Corpus, managed: Collection[int]) -> CorpusCaches:
    """Return the report of a corpus, with popular questions to corpora of `managed` only."""
    return CorpusCaches(
        corpus,
        _layers(corpus.pk),
        [
            _holding("answers", answer_table.answers_about([corpus.pk]), "answer"),
            _holding("search results", shared_entries.entries_about([corpus.pk]), "value"),
        ],
        most_asked_among(corpus.pk, managed, days=ASKED_DAYS, top=ASKED_SHOWN),
    )


def overview_of(corpora: Iterable[Corpus]) -> list[CorpusRow]:
    """Return one row per corpus, in the order given."""
    now = timezone.now()
    hour, day = _questions_since(now - HOUR), _questions_since(now - DAY)
    nothing = Rate(QUESTIONS, 0, 0)
    return [CorpusRow(corpus, hour.get(corpus.pk, nothing), day.get(corpus.pk, nothing)) for corpus in corpora]


def _questions_since(since: datetime) -> dict[int, Rate]:
    rows = CacheCount.objects.filter(layer=QUESTIONS, since__gte=since).values_list("corpus_id")
    summed = rows.annotate(Sum("hits"), Sum("misses")).order_by()
    return {pk: Rate(QUESTIONS, hits, misses) for pk, hits, misses in summed}


def _layers(corpus_id: int) -> list[Layer]:
    now = timezone.now()
    hour = {rate.layer: rate for rate in rates_of(corpus_id, since=now - HOUR)}
    day = rates_of(corpus_id, since=now - DAY)
    return [
        Layer(rate.layer, LAYERS.get(rate.layer, rate.layer), hour.get(rate.layer, Rate(rate.layer, 0, 0)), rate)
        for rate in day
    ]


def _holding(label: str, rows: QuerySet[Any], column: str) -> StoredKind:
    # The size as it is stored, compressed; the values are not read.
    size = Func(column, function="pg_column_size", output_field=IntegerField())
    found = rows.order_by().aggregate(
        entries=Count("pk"), size_bytes=Sum(size), oldest=Min("created_at"), newest=Max("created_at")
    )
    return StoredKind(label, found["entries"], found["size_bytes"] or 0, found["oldest"], found["newest"])
