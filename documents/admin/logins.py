"""Counts of attempts to sign in: a superuser may delete them, so that somebody needn't wait."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet

from documents.access.policy import Principal
from documents.admin.scoping import ScopedAdmin
from documents.models import LoginAttempts


@admin.register(LoginAttempts)
class LoginAttemptsAdmin(ScopedAdmin):
    """For superusers. Whose they are is not kept; deleting all of them is as good."""

    list_display = ["key", "count", "ends_at"]
    readonly_fields = ["key", "count", "ends_at"]

    def readable(self, principal: Principal) -> QuerySet[LoginAttempts]:
        """Return all of them to a superuser."""
        everything = principal.user is not None and principal.user.is_superuser
        return LoginAttempts.objects.all() if everything else LoginAttempts.objects.none()

    def editable(self, principal: Principal) -> QuerySet[LoginAttempts]:
        """Return the same."""
        return self.readable(principal)
