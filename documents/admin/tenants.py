"""Tenants and who belongs to them: managers see to their own people, without a superuser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from documents.access.people import invitation_of, invite, is_in_use, is_invited, save_group, set_role
from documents.access.policy import Principal, manageable_tenants
from documents.admin.people_forms import InviteForm, ReaderGroupForm
from documents.admin.scoping import (
    ScopedAdmin,
    TenantFilter,
    choosable_users,
    is_superuser,
    principal_of,
)
from documents.admin.showing import BUSY, GOOD, badge
from documents.models import Membership, ReaderGroup, Tenant
from ragsite.errors import InvalidInput


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
    """Managers invite people and give roles to the users of their tenants; a superuser to anybody."""

    list_display = ["user", "tenant", "role", "state"]
    list_filter = ["role", ("tenant", TenantFilter)]
    search_fields = ["user__username", "user__email", "tenant__name"]
    list_select_related = ["user", "tenant"]
    choices = {"user": choosable_users, "tenant": manageable_tenants}
    list_before_template = "admin/documents/membership/above_list.html"
    change_form_outer_before_template = "admin/documents/membership/toolbar.html"

    def readable(self, principal: Principal) -> QuerySet[Membership]:
        """Return the memberships in the tenants that the principal manages."""
        return Membership.objects.filter(tenant__in=manageable_tenants(principal))

    def editable(self, principal: Principal) -> QuerySet[Membership]:
        """Return the same."""
        return self.readable(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether the principal manages a tenant."""
        return manageable_tenants(principal).exists()

    def get_urls(self) -> list[URLPattern]:
        """Return the routes."""
        own = [
            path("invite/", self.admin_site.admin_view(self.invite_page), name="documents_membership_invite"),
            path(
                "<int:pk>/link/",
                self.admin_site.admin_view(require_POST(self.link_page)),
                name="documents_membership_link",
            ),
        ]
        return own + super().get_urls()

    def invite_page(self, request: HttpRequest) -> HttpResponse:
        """Ask whom to invite, and show the link for this once."""
        tenants = manageable_tenants(principal_of(request))
        if not tenants:
            raise PermissionDenied
        form = InviteForm(request.POST or None, tenants=tenants)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                membership = invite(data["tenant"], data["username"], data["role"], email=data["email"])
            except InvalidInput as refusal:
                form.add_error("username", refusal.fields["username"])
            else:
                self.log_addition(request, membership, "Invited.")
                return self._link(request, membership)
        return self._page(request, "invite", title="Invite somebody", form=form)

    def link_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show another link to somebody who has not signed in yet."""
        membership = get_object_or_404(self.editable(principal_of(request)).select_related("user"), pk=pk)
        try:
            return self._link(request, membership)
        except InvalidInput as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return redirect("admin:documents_membership_change", pk)

    def save_model(self, request: HttpRequest, obj: Membership, form: ModelForm[Any], change: bool) -> None:
        """Store a role; who may fill corpora may enter the admin."""
        if not change:
            obj.save()
        set_role(obj, obj.role)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:  # type: ignore[override]
        """Return the fields that stay: another person or tenant is another membership."""
        return ["user", "tenant"] if obj else []

    @admin.display(description="state")
    def state(self, membership: Membership) -> SafeString:
        """Return whether the invitation was accepted."""
        if not membership.user.is_active:
            return badge("switched off")
        return badge("invited", BUSY) if is_invited(membership.user) else badge("active", GOOD)

    def _link(self, request: HttpRequest, membership: Membership) -> HttpResponse:
        uid, token = invitation_of(membership.user)
        link = request.build_absolute_uri(reverse("invitation", args=[uid, token]))
        return self._page(request, "link", title="Invitation", membership=membership, link=link)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        shared = self.admin_site.each_context(request)
        reply = TemplateResponse(request, f"admin/documents/membership/{name}.html", {**shared, **context})
        reply["Cache-Control"] = "no-store"
        return reply


@admin.register(ReaderGroup)
class ReaderGroupAdmin(ScopedAdmin):
    """Managers make the groups of their tenants and say who is in them."""

    form = ReaderGroupForm
    list_display = ["name", "tenant", "people"]
    list_filter = [("tenant", TenantFilter)]
    search_fields = ["group__name", "tenant__name"]
    list_select_related = ["group", "tenant"]
    choices = {"tenant": manageable_tenants}
    fields = ["name", "tenant", "members"]

    def readable(self, principal: Principal) -> QuerySet[ReaderGroup]:
        """Return the groups of the tenants that the principal manages."""
        return ReaderGroup.objects.filter(tenant__in=manageable_tenants(principal))

    def editable(self, principal: Principal) -> QuerySet[ReaderGroup]:
        """Return the same. A group keeps its tenant: one that went to another would close what it could read."""
        return self.readable(principal)

    def may_add(self, principal: Principal) -> bool:
        """Return whether the principal manages a tenant."""
        return manageable_tenants(principal).exists()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows, each with the number of people in it."""
        rows: QuerySet[Any] = super().get_queryset(request).annotate(people_count=Count("group__user"))
        return rows

    def has_delete_permission(self, request: HttpRequest, obj: ReaderGroup | None = None) -> bool:  # type: ignore[override]
        """Return whether it may go: not while something names it, which would be open to everybody then."""
        return super().has_delete_permission(request, obj) and (obj is None or not is_in_use(obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Sequence[str]:  # type: ignore[override]
        """Return the fields that stay."""
        return ["tenant"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, with the people that this user may put into the group."""
        form = super().get_form(request, obj, change, **kwargs)
        people = choosable_users(principal_of(request))
        offered = people.filter(memberships__tenant=obj.tenant) if obj else people
        # A class of its own: fields of the class above are shared by all requests.
        return type("OfferingForm", (form,), {"offered": User.objects.filter(pk__in=offered.values("pk"))})

    def save_model(self, request: HttpRequest, obj: ReaderGroup, form: ModelForm[Any], change: bool) -> None:
        """Store the group with its members."""
        data = form.cleaned_data
        saved = save_group(obj.tenant, data["name"], data["members"], obj if change else None)
        obj.pk, obj.group = saved.pk, saved.group

    def delete_model(self, request: HttpRequest, obj: ReaderGroup) -> None:
        """Delete the group itself."""
        obj.group.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ReaderGroup]) -> None:
        """Delete those that nothing names."""
        for group in queryset:
            if not is_in_use(group):
                group.group.delete()

    @admin.display(description="name", ordering="group__name")
    def name(self, group: ReaderGroup) -> str:
        """Return the name of the group."""
        return group.group.name

    @admin.display(description="people")
    def people(self, group: ReaderGroup) -> int:
        """Return how many are in it."""
        return int(getattr(group, "people_count", 0))
