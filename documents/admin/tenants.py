"""Tenants and who belongs to them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from documents.access import Principal, manageable_tenants
from documents.admin.scoping import ScopedAdmin, TenantFilter, choosable_groups, choosable_users, is_superuser
from documents.models import Membership, ReaderGroup, Tenant


@admin.register(Tenant)
class TenantAdmin(ScopedAdmin):
    """Managers look; only a superuser adds tenants, and deletes empty ones."""

    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}

    def readable(self, principal: Principal) -> QuerySet[Tenant]:
        """Return the tenants that the principal manages."""
        return manageable_tenants(principal)

    def editable(self, principal: Principal) -> QuerySet[Tenant]:
        """Return all of them to a superuser."""
        return manageable_tenants(principal) if self.may_add(principal) else Tenant.objects.none()

    def may_add(self, principal: Principal) -> bool:
        """Return whether this is a superuser."""
        return principal.user is not None and principal.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:  # type: ignore[override]
        """Return whether it may go: its corpora must be deleted first, each with its files."""
        if not is_superuser(request):
            return False
        return obj is None or not obj.corpora.exists()


@admin.register(Membership)
class MembershipAdmin(ScopedAdmin):
    """Managers give roles to the users of their tenants; a superuser to anybody."""

    list_display = ["user", "tenant", "role"]
    list_filter = ["role", ("tenant", TenantFilter)]
    search_fields = ["user__username", "user__email", "tenant__name"]
    list_select_related = ["user", "tenant"]
    choices = {"user": choosable_users, "tenant": manageable_tenants}

    def readable(self, principal: Principal) -> QuerySet[Membership]:
        """Return the memberships in the tenants that the principal manages."""
        return Membership.objects.filter(tenant__in=manageable_tenants(principal))

    def editable(self, principal: Principal) -> QuerySet[Membership]:
        """Return the same."""
        return self.readable(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether the principal manages a tenant."""
        return manageable_tenants(principal).exists()


@admin.register(ReaderGroup)
class ReaderGroupAdmin(ScopedAdmin):
    """Managers see the groups of their tenants; a superuser gives a group to a tenant."""

    list_display = ["group", "tenant"]
    list_filter = [("tenant", TenantFilter)]
    search_fields = ["group__name", "tenant__name"]
    list_select_related = ["group", "tenant"]
    choices = {"group": choosable_groups, "tenant": manageable_tenants}

    def readable(self, principal: Principal) -> QuerySet[ReaderGroup]:
        """Return the groups of the tenants that the principal manages."""
        return ReaderGroup.objects.filter(tenant__in=manageable_tenants(principal))

    def editable(self, principal: Principal) -> QuerySet[ReaderGroup]:
        """Return all of them to a superuser: a group that goes to another tenant closes what it could read."""
        return self.readable(principal) if self.may_add(principal) else ReaderGroup.objects.none()

    def may_add(self, principal: Principal) -> bool:
        """Return whether this is a superuser."""
        return principal.user is not None and principal.user.is_superuser
