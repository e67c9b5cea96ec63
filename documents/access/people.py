"""Manages the people of a tenant: invitations, roles and reader groups."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from documents.access.policy import WRITERS
from documents.models import Membership, ReaderGroup, Tenant
from ragsite.errors import InvalidInput


def invite(tenant: Tenant, username: str, role: str, *, email: str = "") -> Membership:
    """Create an account without a password in this tenant. Raises InvalidInput for a name that is taken.

    An existing account is never invited: its owner has a password, and perhaps rights in other tenants, which a link
    made by somebody else must not replace.
    """
    try:
        with transaction.atomic():
            user = User(username=username, email=email, is_staff=role in WRITERS)
            user.set_unusable_password()
            user.save()
            return Membership.objects.create(user=user, tenant=tenant, role=role)
    except IntegrityError:
        raise InvalidInput(fields={"username": "There is an account of this name already; choose another."}) from None


def is_invited(user: User) -> bool:
    """Return whether the account waits for its owner to choose a password."""
    return user.is_active and not user.has_usable_password() and not user.is_superuser


def invitation_of(user: User) -> tuple[str, str]:
    """Return (uid, token): the address that lets its holder choose the password, once and for some days.

    Raises InvalidInput for an account that has a password.
    """
    if not is_invited(user):
        raise InvalidInput(f"{user.get_username()} has signed in already and needs no invitation.")
    return urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)


def set_role(membership: Membership, role: str) -> None:
    """Change a member's role; editors and managers may also enter the admin."""
    membership.role = role
    membership.save(update_fields=["role"])
    if role in WRITERS:
        User.objects.filter(pk=membership.user_id).update(is_staff=True)


def save_group(tenant: Tenant, name: str, members: Iterable[User], group: ReaderGroup | None = None) -> ReaderGroup:
    """Create or change a reader group. Only its members in the tenant are changed; users of other tenants stay.

    Names of groups are unique in the database, and tenants choose theirs without seeing each other's: a name that
    is taken is stored with the tenant's slug.
    """
    chosen = set(members)
    with transaction.atomic():
        stored = group.group if group else Group()
        taken = Group.objects.filter(name=name).exclude(pk=stored.pk).exists()
        stored.name = f"{name} ({tenant.slug})"[:150] if taken else name
        stored.save()
        saved = group or ReaderGroup.objects.create(group=stored, tenant=tenant)
        own = set(User.objects.filter(memberships__tenant=tenant))
        stored.user_set.remove(*(own - chosen))
        stored.user_set.add(*(own & chosen))
    return saved


def is_in_use(group: ReaderGroup) -> bool:
    """Return whether a corpus or a document names the group: without the group, everybody could read it."""
    return group.group.corpus_set.exists() or group.group.document_set.filter(deleted_at=None).exists()
