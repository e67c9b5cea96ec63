"""API keys: issued, looked at and revoked. The secret is shown once; its digest never."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from documents.access.policy import Principal
from documents.admin.saving import save_changed_fields
from documents.admin.scoping import ScopedAdmin, principal_of
from documents.models import ApiKey


def possible_owners(principal: Principal) -> QuerySet[User]:
    """Return whom the principal may give a key: themselves; a superuser anybody who is active."""
    active = User.objects.filter(is_active=True)
    if principal.user is None:
        return active.none()
    return active if principal.user.is_superuser else active.filter(pk=principal.user.pk)


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # no subscript at run time
    """A key's name and what it may be used for."""

    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="query: ask and search. ingest: also add, reindex and delete documents, as far as the user may.",
    )


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """Everybody sees their own keys, a superuser all."""

    form = ApiKeyForm
    list_display = ["name", "user", "prefix", "scopes", "state", "last_used_at"]
    list_filter = ["revoked_at", "expires_at"]
    search_fields = ["name", "prefix", "user__username"]
    list_select_related = ["user"]
    choices = {"user": possible_owners}
    actions = ["revoke"]

    def readable(self, principal: Principal) -> QuerySet[ApiKey]:
        """Return the principal's own keys; to a superuser, all."""
        if principal.user is not None and principal.user.is_superuser:
            return ApiKey.objects.all()
        return ApiKey.objects.filter(user=principal.user) if principal.user else ApiKey.objects.none()

    def editable(self, principal: Principal) -> QuerySet[ApiKey]:
        """Return the same."""
        return self.readable(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether this is somebody."""
        return principal.user is not None and principal.user.is_staff

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[Any]:  # type: ignore[override]
        """Return the fields of the form."""
        if obj is None:
            return ["user", "name", "scopes", "expires_at"]
        return ["name", "user", "prefix", "scopes", "expires_at", "revoked_at", "last_used_at", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:  # type: ignore[override]
        """Return the fields that stay: a key keeps its owner, and gets no second life."""
        return ["user", "prefix", "revoked_at", "last_used_at", "created_at"] if obj else []

    def save_model(self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm[ApiKey], change: bool) -> None:
        """Store a change, or issue the key and show its secret for this once."""
        if change:
            save_changed_fields(obj, form)
            return
        data = form.cleaned_data
        issued, secret = ApiKey.issue(data["user"], data["name"], data["scopes"], data["expires_at"])
        obj.pk, obj.prefix = issued.pk, issued.prefix
        self.message_user(request, f"The key, shown only this once: {secret}", messages.WARNING)

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Make the keys worthless from their next request on."""
        own = self.editable(principal_of(request)).filter(pk__in=list(queryset.values_list("pk", flat=True)))
        revoked = own.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{revoked} keys revoked.")

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        """Return whether it works."""
        if key.revoked_at is not None:
            return "revoked"
        return "valid" if key.is_valid else "expired"
