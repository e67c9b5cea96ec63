"""Checks readers before they are stored: groups of the same tenant only, and none for a public corpus.

This is a receiver of Django's `m2m_changed`, because a many-to-many field has no save method to extend: the admin, the
API, a command and the shell all send that signal.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed

from documents.models import Corpus, Document, ReaderGroup, Tenant
from ragsite.errors import InvalidInput

PUBLIC_WITH_READERS = (
    "A public corpus is for everybody, and can't be for some groups only: make it not public, or name no readers."
)


def foreign_groups(tenant: Tenant, groups: Collection[Group]) -> list[str]:
    """Return the names of those of the groups that belong to another tenant."""
    foreign = ReaderGroup.objects.filter(group__in=groups).exclude(tenant=tenant)
    return sorted(foreign.values_list("group__name", flat=True))


def keep_within_tenants() -> None:
    """Register the check: from now on it runs whenever readers are stored."""
    for through in (Corpus.readers.through, Document.readers.through):
        m2m_changed.connect(_before_readers_change, sender=through, dispatch_uid=f"readers of {through.__name__}")


def _before_readers_change(
    sender: Any, instance: Any, action: str, reverse: bool, model: Any, pk_set: set[Any] | None, **_: Any
) -> None:
    if action != "pre_add" or not pk_set:
        return
    named = model._default_manager.filter(pk__in=pk_set)
    for owner, groups in [(each, [instance]) for each in named] if reverse else [(instance, list(named))]:
        if isinstance(owner, Corpus) and owner.is_public:
            raise InvalidInput(fields={"readers": PUBLIC_WITH_READERS})
        _claim(owner.tenant, groups)


def _claim(tenant: Tenant, groups: Collection[Group]) -> None:
    """Let groups that belong to no tenant belong to this one. Raises InvalidInput for another tenant's."""
    ReaderGroup.objects.bulk_create([ReaderGroup(group=each, tenant=tenant) for each in groups], ignore_conflicts=True)
    if foreign_groups(tenant, groups):
        # Without its name: who may not see another tenant's groups learns nothing of them.
        raise InvalidInput(fields={"readers": "A group belongs to another tenant; choose groups of this tenant."})
