"""The query log, feedback, and the tables of the caches."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from pgvector.django import HalfVectorField


class QueryLog(models.Model):
    """One question and how it was answered, for statistics and for warming the caches."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    corpora = models.JSONField(default=list)  # slugs
    corpus_ids = ArrayField(models.BigIntegerField(), default=list)  # two tenants may use the same slug
    question = models.TextField()
    answer_mode = models.CharField(max_length=20)
    original_mode = models.CharField(max_length=20, blank=True, default="", db_default="")  # the rung that wrote it
    outcome = models.CharField(max_length=20)  # done, error, client_left
    degraded_reasons = models.JSONField(default=list)
    model = models.CharField(max_length=200, blank=True)
    passages = models.PositiveSmallIntegerField(default=0)
    timings_ms = models.JSONField(default=dict)
    total_ms = models.FloatField(default=0)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)  # of the reply; the row may be stored later
    # The reply's X-Request-ID; a caller may have chosen it, so that several have the same. Empty: not over HTTP.
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        verbose_name = "question"  # as people know it
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["request_id"], name="idx_querylog_request_id", condition=~models.Q(request_id=""))
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.answer_mode}"


class Feedback(models.Model):
    """The feedback of a reader on an answer."""

    class Rating(models.IntegerChoices):
        """Thumbs up or down."""

        BAD = -1
        GOOD = 1

    query = models.ForeignKey(QueryLog, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    rating = models.SmallIntegerField(choices=Rating.choices)
    comment = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.rating:+d} for {self.query_id}"


class CachedAnswer(models.Model):
    """A cached answer: see querying/caching/answers.py and querying/answering/stale.py."""

    key = models.CharField(max_length=64, primary_key=True)  # digest of everything that the answer depends on
    stale_key = models.CharField(max_length=64)  # ... except documents, model and prompt
    alike_key = models.CharField(max_length=64)  # ... with the words of the question in no order
    question = models.TextField()
    answer = models.JSONField()
    corpora = ArrayField(models.BigIntegerField())
    documents = ArrayField(models.UUIDField())  # those that the answer has text of
    embedding = HalfVectorField(null=True)  # of the question, in the live space of the first corpus
    hits = models.PositiveIntegerField(default=0)  # approximate: stored at the 1st, 2nd, 4th, 8th ... hit in a process
    created_at = models.DateTimeField()
    last_used = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index("stale_key", models.F("created_at").desc(), name="idx_cached_stale_key"),
            models.Index(fields=["alike_key"], name="idx_cached_alike_key"),
            models.Index(fields=["last_used"], name="idx_cached_last_used"),
            # A deletion asks for the answers that quote the document.
            GinIndex(fields=["documents"], name="idx_cached_documents"),
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.key[:8]}"


class CacheEntry(models.Model):
    """A cached search result or question vector, if there is no Redis."""

    class Kind(models.TextChoices):
        """The kind of value."""

        SEARCH = "search"
        VECTOR = "vector"

    key = models.CharField(max_length=64, primary_key=True)  # digest of everything that the value depends on
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.JSONField()
    corpora = ArrayField(models.BigIntegerField(), default=list)  # empty for a vector, which belongs to a model
    documents = ArrayField(models.UUIDField(), default=list)  # those that the value has text of
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "cache entries"
        indexes = [
            models.Index(fields=["kind", "created_at"], name="idx_cache_entry_age"),
            # A deletion asks for the searches that found the document.
            GinIndex(fields=["documents"], name="idx_cache_entry_documents"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:8]}"


class CacheCount(models.Model):
    """The hits and misses of a cache layer for a corpus within ten minutes.

    The corpus is a number and no foreign key, so that an insert doesn't wait for a lock on the corpus.
    """

    corpus_id = models.BigIntegerField()
    layer = models.CharField(max_length=20)
    since = models.DateTimeField()  # the beginning of the ten minutes
    hits = models.PositiveBigIntegerField(default=0)
    misses = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "cache"
        constraints = [
            models.UniqueConstraint(fields=["corpus_id", "layer", "since"], name="one_count_per_corpus_layer_and_time")
        ]
        indexes = [models.Index(fields=["since"], name="idx_cache_count_since")]

    def __str__(self) -> str:
        return f"{self.layer} {self.since:%Y-%m-%d %H:%M}"


class SemanticCacheLimit(models.Model):
    """Settings of the semantic cache for one corpus, where they differ from the defaults, and whether it is off.

    querying/caching/semantic_limits.py reads it at each look-up.
    """

    corpus = models.OneToOneField("documents.Corpus", on_delete=models.CASCADE, related_name="semantic_cache_limit")
    similarity = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="How near two questions must be, 0 to 1; their words must agree as well. Empty: as everywhere.",
    )
    budget = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="The share of its answers, 0 to 1, that readers may report as answers to another question. "
        "Empty: as everywhere.",
    )
    is_off = models.BooleanField("switched off", default=False)
    off_since = models.DateTimeField(null=True, blank=True, editable=False)
    counted_since = models.DateTimeField(null=True, blank=True, editable=False)  # reports from before don't count

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(similarity__range=(0, 1)), name="semantic_similarity_is_a_share"),
            models.CheckConstraint(condition=models.Q(budget__range=(0, 1)), name="semantic_budget_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"semantic cache of {self.corpus}"


class FalseHit(models.Model):
    """A reader's report that the semantic cache returned the answer to another question.

    From then on it neither answers this question nor uses its answer for others.
    """

    query = models.OneToOneField(QueryLog, null=True, on_delete=models.SET_NULL, related_name="+")
    corpora = ArrayField(models.BigIntegerField())
    question = models.TextField()  # normalised
    reporter = models.CharField(max_length=40)  # a digest: neither name nor address is stored
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [GinIndex(fields=["corpora"], name="idx_false_hit_corpora")]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"


class AnswerClaim(models.Model):
    """A claim that a process computes this answer now. A hint: it expires after some seconds."""

    key = models.CharField(max_length=64, primary_key=True)
    owner = models.UUIDField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key[:8]} until {self.expires_at:%H:%M:%S}"
