"""How many passwords were tried for an account, or from an address."""

from __future__ import annotations

from django.db import models


class LoginAttempts(models.Model):
    """The attempts of one window of time; `count` 0 until `ends_at`: an address that an account has signed in from.

    `key` is a keyed hash: what somebody typed as a name is kept nowhere.
    """

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "login attempts"
        ordering = ["-ends_at"]
        # Upkeep deletes what is over.
        indexes = [models.Index(fields=["ends_at"], name="idx_login_attempts_ends")]

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at:%H:%M}"
