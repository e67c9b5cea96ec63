"""Authenticates requests by API key: `Authorization: Bearer rag_...`."""

from __future__ import annotations

import hmac
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from documents.access.policy import Principal
from documents.models import ApiKey

SCHEME = "Bearer"
LAST_USED_EVERY = timedelta(minutes=1)  # a write per request would cost more than the request


class ApiKeyAuthentication(BaseAuthentication):
    """Accepts keys that are neither revoked nor expired and whose user is active; checked at every request."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the key's user and the key; None when the request carries no key.

        Raises AuthenticationFailed for an invalid key, and for credentials of another kind: a client that sends
        credentials must not be treated as anonymous.
        """
        scheme, _, given = request.headers.get("Authorization", "").strip().partition(" ")
        if not scheme:
            return None
        if scheme.lower() != SCHEME.lower():
            raise AuthenticationFailed("Send the API key as `Authorization: Bearer rag_...`; no other kind is read.")
        parts = given.strip().split("_", 2)
        key = ApiKey.objects.select_related("user").filter(prefix=parts[1]).first() if len(parts) == 3 else None
        if key is None or not hmac.compare_digest(key.digest, ApiKey.digest_of(given.strip())) or not key.is_valid:
            raise AuthenticationFailed("This API key is unknown, revoked or expired.")
        now = timezone.now()
        if key.last_used_at is None or key.last_used_at < now - LAST_USED_EVERY:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """Return the scheme for WWW-Authenticate, which makes a missing key 401 instead of 403."""
        return SCHEME


def principal_of(request: Request) -> Principal:
    """Return the principal of an API request: its user, limited by its key."""
    return Principal.of(request.user, request.auth if isinstance(request.auth, ApiKey) else None)
