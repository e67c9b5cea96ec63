"""Names in an address -> rows that the asker may see or change; everything else is not there."""

from __future__ import annotations

import re
from uuid import UUID

from django.db.models import QuerySet

from documents.access import (
    Principal,
    choose_corpora,
    editable_corpora,
    editable_documents,
    manageable_tenants,
    readable_corpora,
    readable_documents,
)
from documents.models import Corpus, Document, Tenant
from ragsite.errors import CorpusNotFound, DocumentNotFound, InvalidInput, NotAllowed

_CORPUS_NAME = re.compile(r"(?:[-\w]{1,100}/)?[-\w]{1,100}", re.ASCII)


def readable_corpus(principal: Principal, name: str) -> Corpus:
    """Return the corpus of this slug, or `tenant/slug`. Raises CorpusNotFound, and InvalidInput if two have it."""
    if not _CORPUS_NAME.fullmatch(name):
        raise CorpusNotFound
    return choose_corpora([name], readable_corpora(principal))[0]


def editable_corpus(principal: Principal, name: str) -> Corpus:
    """Return a corpus that documents may be added to. Raises NotAllowed for one that may only be read."""
    corpus = readable_corpus(principal, name)
    if not editable_corpora(principal).filter(pk=corpus.pk).exists():
        raise NotAllowed
    return corpus


def manageable_corpus(principal: Principal, name: str) -> Corpus:
    """Return a corpus whose settings may be changed. Raises NotAllowed for one that may only be read."""
    corpus = readable_corpus(principal, name)
    if not manageable_tenants(principal).filter(pk=corpus.tenant_id).exists():
        raise NotAllowed("Only a manager of the corpus' tenant may change or delete it.")
    return corpus


def manageable_tenant(principal: Principal, slug: str) -> Tenant:
    """Return the tenant of this slug; without one the only one there is. Raises NotAllowed and InvalidInput."""
    tenants = list(_tenants(principal, slug)[:2])
    if not tenants:
        raise NotAllowed("Only a manager of a tenant may create corpora in it.")
    if len(tenants) > 1:
        raise InvalidInput(fields={"tenant": "You manage several tenants; name one."})
    return tenants[0]


def readable_document(principal: Principal, document_id: str) -> Document:
    """Return a document. Raises DocumentNotFound, also for what is no id at all."""
    document = readable_documents(principal).filter(pk=_uuid(document_id)).select_related("corpus__tenant").first()
    if document is None:
        raise DocumentNotFound
    return document


def editable_document(principal: Principal, document_id: str) -> Document:
    """Return a document that may be changed. Raises NotAllowed for one that may only be read."""
    document = readable_document(principal, document_id)
    if not editable_documents(principal).filter(pk=document.pk).exists():
        raise NotAllowed
    return document


def _tenants(principal: Principal, slug: str) -> QuerySet[Tenant]:
    tenants = manageable_tenants(principal)
    return tenants.filter(slug=slug) if slug else tenants


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise DocumentNotFound from None
