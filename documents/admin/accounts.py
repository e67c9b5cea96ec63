"""Users and groups of the whole installation, for superusers; managers have pages of their own for their people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from documents.admin.scoping import is_superuser

if TYPE_CHECKING:
    Themed = admin.ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as Themed

for model in (User, Group, ProcrastinateJob, ProcrastinateEvent, ProcrastinateWorker):
    # Django's own pages are replaced below; the queue's tables are what the page of jobs is made of.
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class _ForSuperusers:
    """Whoever may change an account may become it: superusers only, whatever Django's own permissions say."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether this is a superuser."""
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return the same."""
        return is_superuser(request)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return the same."""
        return is_superuser(request)


@admin.register(User)
class AccountAdmin(_ForSuperusers, UserAdmin, Themed):  # type: ignore[type-arg]  # no subscript at run time
    """Accounts. Who may enter the admin at all is staff; what they see there, their memberships say."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login"]


@admin.register(Group)
class AllGroupsAdmin(_ForSuperusers, GroupAdmin, Themed):
    """Groups, of whichever tenant."""
