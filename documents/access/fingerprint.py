"""Defines the access fingerprint of a cached answer: corpus epochs, live spaces and the reader's rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from documents.access.policy import Principal
from documents.models import Membership

EVERYBODY = "everybody"  # no document names readers: all who may ask the corpora may read all documents


@dataclass(frozen=True)
class AccessFingerprint:
    """What a cached answer depends on besides its question: with equal fingerprints, a search has equal results."""

    corpora: tuple[tuple[int, int, int | None], ...]  # those that may be asked: id, epoch, id of the live space
    rights: Any  # JSON

    @property
    def ids(self) -> list[int]:
        """Return the ids of the corpora, in their order."""
        return [pk for pk, _, _ in self.corpora]

    @property
    def is_open(self) -> bool:
        """Return whether everybody who may ask these corpora may read all their documents."""
        return bool(self.rights == EVERYBODY)


def rights_of(principal: Principal) -> Any:
    """Return what decides which restricted documents a principal may read, as JSON."""
    user = principal.user
    if user is None:
        return "nobody"
    if user.is_superuser:
        return "superuser"
    managed = Membership.objects.filter(user=user, role=Membership.Role.MANAGER)
    return {
        "groups": sorted(user.groups.values_list("pk", flat=True)),
        "manages": sorted(managed.values_list("tenant_id", flat=True)),
    }
