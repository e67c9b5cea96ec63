"""What a cached answer depends on besides its question: the state of the corpora, and what the asker may read there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from documents.access import Principal, readable_corpora
from documents.models import Corpus, Document, EmbeddingSpace, Membership

EVERYBODY = "everybody"  # no document is closed: who may ask the corpora at all may read all of them


@dataclass(frozen=True)
class Standing:
    """Two questions with equal standings search the same documents, and find the same in them."""

    corpora: tuple[tuple[int, int, int | None], ...]  # those that may be asked: id, epoch, id of the live space
    rights: Any  # JSON

    @property
    def is_open(self) -> bool:
        """Return whether everybody who may ask these corpora may read all their documents."""
        return bool(self.rights == EVERYBODY)


def standing_of(principal: Principal, corpora: Sequence[Corpus]) -> Standing:
    """Return what the principal's answers from these corpora depend on, as it is stored now.

    The rights name everything that `access.readable_documents` looks at: change both together. Never less, or one
    reader would be given what another may read.
    """
    found = {
        pk: (epoch, space, has_closed)
        for pk, epoch, space, has_closed in readable_corpora(principal)
        .filter(pk__in=[corpus.pk for corpus in corpora])
        .annotate(
            space=Subquery(EmbeddingSpace.objects.filter(corpus=OuterRef("pk"), status="live").values("pk")[:1]),
            has_closed=Exists(Document.readers.through.objects.filter(document__corpus=OuterRef("pk"))),
        )
        .order_by()
        .values_list("pk", "epoch", "space", "has_closed")
    }
    state = tuple((corpus.pk, *found[corpus.pk][:2]) for corpus in corpora if corpus.pk in found)
    has_closed = any(closed for _, _, closed in found.values())
    return Standing(state, _rights(principal) if has_closed else EVERYBODY)


def _rights(principal: Principal) -> Any:
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
