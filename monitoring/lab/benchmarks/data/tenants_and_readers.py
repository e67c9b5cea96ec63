"""Generates tenants of very different sizes, and readers who may read very different parts of one corpus.

Run inside the stage: see inside.py. Each has a user with a key, and a corpus is closed to all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import F

from documents.models import ApiKey, Corpus, Document, Membership, ReaderGroup, Tenant
from monitoring.lab.benchmarks.data.bulk_corpus import SHARES, filter_of, load

TENANT_SHARES = (0.0001, 0.001, 0.01, 0.1)  # of all passages; the large tenant has half, another one the rest
OF_ALL = "of-all-tenants"  # the user who is a member of all of them


def sizes_beside(size: int, others: int = 0) -> list[int]:
    """Return the sizes of the tenants beside one of `size` passages, so that this one has half of all.

    `others`: passages of corpora that nobody asks, and that are in the database all the same.
    """
    small = [math.ceil(2 * size * share) for share in TENANT_SHARES]
    return [*small, max(1, size - others - sum(small))]


def tenant_of(number: int) -> str:
    """Return the slug of the n-th tenant, of its corpus, and the name of its member."""
    return f"neighbour-{number}"


def make_neighbours(large: str, sizes: Sequence[int]) -> dict[str, str]:
    """Load a corpus of each of these sizes, and close them and the corpus `large`; return the members' keys by name.

    The members: of each tenant (`tenant_of`), of that of `large` (named like it), and one of all (`OF_ALL`).
    """
    Corpus.objects.update(is_public=False, epoch=F("epoch") + 1)
    for number, size in enumerate(sizes):
        load(tenant_of(number), size, seed=number + 1, tenant_slug=tenant_of(number))
    Corpus.objects.update(is_public=False, epoch=F("epoch") + 1)
    tenant_by_user = {tenant_of(number): tenant_of(number) for number in range(len(sizes))}
    tenant_by_user[large] = Corpus.objects.select_related("tenant").get(slug=large).tenant.slug
    keys = {user: _key_of(user, [tenant]) for user, tenant in tenant_by_user.items()}
    return {**keys, OF_ALL: _key_of(OF_ALL, list(tenant_by_user.values()))}


def reader_of(share: float) -> str:
    """Return the name of the user who may read this share of a corpus, and of their group."""
    return f"reader-of-{share:g}"


def close_documents(slug: str, shares: Sequence[float]) -> dict[str, str]:
    """Close every document of a corpus to all but groups; return the keys of users who may read these shares of it."""
    corpus = Corpus.objects.select_related("tenant").get(slug=slug)
    through = Document.readers.through
    keys = {}
    for share in sorted({*shares, max(SHARES)}):  # the largest is all of it, so that nothing stays open
        group = Group.objects.create(name=reader_of(share))
        ReaderGroup.objects.create(group=group, tenant=corpus.tenant)
        documents = Document.objects.filter(corpus=corpus, metadata__contains=filter_of(share)["metadata"])
        rows = [through(document_id=pk, group_id=group.pk) for pk in documents.values_list("pk", flat=True)]
        through.objects.bulk_create(rows, batch_size=5000)
        keys[reader_of(share)] = _key_of(reader_of(share), [corpus.tenant.slug])
        User.objects.get(username=reader_of(share)).groups.add(group)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {through._meta.db_table}")
    return keys


def _key_of(user_name: str, tenants: Sequence[str]) -> str:
    """Return the key of a new user who is a reader in these tenants."""
    user = User.objects.create_user(user_name)
    for tenant in Tenant.objects.filter(slug__in=tenants):
        Membership.objects.create(user=user, tenant=tenant)
    return ApiKey.issue(user, "benchmark", [ApiKey.Scope.QUERY])[1]
