"""Small functions that make rows, with defaults for all that a test doesn't care about."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import User

from documents.models import Corpus, EmbeddingSpace, Membership, Tenant

_numbers = itertools.count(100_001)  # of one length, whatever ran before: names are sorted as text


def make_tenant(**fields: Any) -> Tenant:
    """Return a stored tenant."""
    number = next(_numbers)
    return Tenant.objects.create(**{"name": f"Tenant {number}", "slug": f"tenant-{number}", **fields})


def make_corpus(*, tenant: Tenant | None = None, with_space: bool = True, **fields: Any) -> Corpus:
    """Return a stored corpus with a live embedded space."""
    number = next(_numbers)
    corpus = Corpus.objects.create(
        tenant=tenant or make_tenant(), **{"name": f"Corpus {number}", "slug": f"corpus-{number}", **fields}
    )
    if with_space:
        EmbeddingSpace.objects.create(
            corpus=corpus, provider="embedded", model="wordllama", dimensions=256, status="live"
        )
    return corpus


def make_user(*, role: str | None = None, tenant: Tenant | None = None, **fields: Any) -> User:
    """Return a stored user, with a role in the tenant if one is given."""
    number = next(_numbers)
    user = User.objects.create_user(**{"username": f"user-{number}", "password": "a-long-password", **fields})
    if role is not None:
        Membership.objects.create(user=user, tenant=tenant or make_tenant(), role=role)
    return user
