"""Stores API keys, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone


class ApiKey(models.Model):
    """A program's key. It may do what its user may, within its scopes; the secret is stored as a digest only."""

    class Scope(models.TextChoices):
        """query: ask and search. ingest: also add, reindex and delete documents."""

        QUERY = "query"
        INGEST = "ingest"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, help_text="What uses it.")
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices), default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"

    @classmethod
    def issue(
        cls, user: models.Model, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """Store a new key and return it with its secret, which can't be shown again.

        The secret has 32 random bytes, so a plain digest is enough: there is nothing to guess.
        """
        prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        full = f"rag_{prefix}_{secret}"
        key = cls.objects.create(
            user=user,
            name=name,
            prefix=prefix,
            digest=cls.digest_of(full),
            scopes=scopes,
            expires_at=expires_at,
        )
        return key, full

    @staticmethod
    def digest_of(full: str) -> str:
        """Return the SHA-256 of a whole key, in hex."""
        return hashlib.sha256(full.encode()).hexdigest()

    @property
    def is_valid(self) -> bool:
        """Return whether it is neither revoked nor expired, and its user is active."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return not expired and self.revoked_at is None and self.user.is_active
