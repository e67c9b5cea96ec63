"""Forms for the people of a tenant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from documents.models import Membership, ReaderGroup, Tenant

ROLES = [
    (Membership.Role.READER, "Reader: asks questions"),
    (Membership.Role.EDITOR, "Editor: also adds, changes and deletes documents"),
    (Membership.Role.MANAGER, "Manager: also corpora and people"),
]


class InviteForm(forms.Form):
    """Who is invited, and as what."""

    username = forms.CharField(max_length=150, label="User name", validators=[UnicodeUsernameValidator()])
    email = forms.EmailField(required=False, label="E-mail address", help_text="Only to know who it is.")
    role = forms.ChoiceField(choices=ROLES)
    tenant = forms.ModelChoiceField(queryset=Tenant.objects.none(), empty_label=None)

    def __init__(self, *args: Any, tenants: QuerySet[Tenant], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["tenant"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = tenants
        if len(tenants) == 1:
            field.initial = tenants[0]
            field.widget = forms.HiddenInput()


class ReaderGroupForm(forms.ModelForm):  # type: ignore[type-arg]  # no subscript at run time
    """A group of readers: its name and who is in it."""

    name = forms.CharField(max_length=120, widget=UnfoldAdminTextInputWidget)
    members = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="They may read what names this group.",
    )

    class Meta:
        model = ReaderGroup
        fields = ["tenant"]

    offered: QuerySet[User] = User.objects.none()  # whom this user may put into the group

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = self.fields["members"]
        assert isinstance(members, forms.ModelMultipleChoiceField)
        members.queryset = self.offered.order_by("username")
        if self.instance.pk:
            self.initial["name"] = self.instance.group.name
            self.initial["members"] = list(self.instance.group.user_set.values_list("pk", flat=True))

    def clean(self) -> dict[str, Any]:
        """Return the data. Members must be people of the group's own tenant."""
        data = super().clean() or self.cleaned_data
        tenant = self.instance.tenant if self.instance.pk else data.get("tenant")
        members = data.get("members")
        if tenant is not None and members is not None:
            strangers = members.exclude(memberships__tenant=tenant)
            if strangers.exists():
                self.add_error("members", "Only people of the group's own tenant can be in it.")
        return data
