"""Counts the attempts to sign in to an account, and from an address."""

from __future__ import annotations

from django.db import models


class LoginAttempts(models.Model):
    """The attempts in one window of time; with `count` 0 an address that an account knows until `ends_at`.

    `key` is a keyed hash: the name that was typed is not stored.
    """

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "login attempts"
        ordering = ["-ends_at"]
        # Upkeep deletes the windows that have ended.
        indexes = [models.Index(fields=["ends_at"], name="idx_login_attempts_ends")]

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at:%H:%M}"
