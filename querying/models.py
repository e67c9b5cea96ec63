"""What was asked, and what people said of the answers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone
from pgvector.django import HalfVectorField


class QueryLog(models.Model):
    """One question and how it was answered. Kept for statistics and for learning which questions matter."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    corpora = models.JSONField(default=list)  # slugs
    question = models.TextField()
    answer_mode = models.CharField(max_length=20)
    outcome = models.CharField(max_length=20)  # done, error, client_left
    degraded_reasons = models.JSONField(default=list)
    model = models.CharField(max_length=200, blank=True)
    passages = models.PositiveSmallIntegerField(default=0)
    timings_ms = models.JSONField(default=dict)
    total_ms = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M} {self.answer_mode}"


class Feedback(models.Model):
    """What a reader thought of an answer."""

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
    """An answer that may be given again: querying/caching.py says when, querying/stale.py when it is an old one."""

    key = models.CharField(max_length=64, primary_key=True)  # digest of all that the answer depends on
    stale_key = models.CharField(max_length=64)  # ... of what stays the same when documents or models change
    alike_key = models.CharField(max_length=64)  # ... of all but the question
    question = models.TextField()
    answer = models.JSONField()
    corpora = ArrayField(models.BigIntegerField())
    documents = ArrayField(models.UUIDField())  # all that the answer has text of
    embedding = HalfVectorField(null=True)  # of the question, in the live space of the first corpus
    hits = models.PositiveIntegerField(default=0)  # about: counted at the 1st, 2nd, 4th, 8th ... of each process
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


class AnswerClaim(models.Model):
    """Says that some process makes this answer right now. A hint: lost in a crash, void after some seconds."""

    key = models.CharField(max_length=64, primary_key=True)
    owner = models.UUIDField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key[:8]} until {self.expires_at:%H:%M:%S}"
