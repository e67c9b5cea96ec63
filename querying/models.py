"""What was asked, and what people said of the answers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


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
