"""Finds the rows that a URL names, among those that the principal may read or change."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from documents.access.policy import (
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
    return _corpus_of(name, readable_corpora(principal))


def editable_corpus(principal: Principal, name: str) -> Corpus:
    """Return a corpus that documents may be added to. Raises NotAllowed for one that may only be read."""
    corpora = readable_corpora(principal).annotate(may=_is_among(editable_corpora(principal)))
    corpus = _corpus_of(name, corpora)
    if not corpus.may:  # type: ignore[attr-defined]
        raise NotAllowed
    return corpus


def manageable_corpus(principal: Principal, name: str) -> Corpus:
    """Return a corpus whose settings may be changed. Raises NotAllowed for one that may only be read."""
    corpora = readable_corpora(principal).annotate(may=_is_among(manageable_tenants(principal), "tenant_id"))
    corpus = _corpus_of(name, corpora)
    if not corpus.may:  # type: ignore[attr-defined]
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
    """Return a document. Raises DocumentNotFound, also for a malformed id."""
    return _document_of(document_id, readable_documents(principal))


def editable_document(principal: Principal, document_id: str) -> Document:
    """Return a document that may be changed. Raises NotAllowed for one that may only be read."""
    documents = readable_documents(principal).annotate(may=_is_among(editable_documents(principal)))
    document = _document_of(document_id, documents)
    if not document.may:  # type: ignore[attr-defined]
        raise NotAllowed
    return document


def _is_among(allowed: QuerySet[Any], column: str = "pk") -> Exists:
    """Return the condition that a row is one of `allowed`.

    It is part of the query that finds the row: a second query would take a deletion in between for missing rights.
    """
    return Exists(allowed.filter(pk=OuterRef(column)))


def _corpus_of(name: str, corpora: QuerySet[Corpus]) -> Corpus:
    if not _CORPUS_NAME.fullmatch(name):
        raise CorpusNotFound
    return choose_corpora([name], corpora)[0]


def _document_of(document_id: str, documents: QuerySet[Document]) -> Document:
    document = documents.filter(pk=_uuid(document_id)).select_related("corpus__tenant").first()
    if document is None:
        raise DocumentNotFound
    return document


def _tenants(principal: Principal, slug: str) -> QuerySet[Tenant]:
    tenants = manageable_tenants(principal)
    return tenants.filter(slug=slug) if slug else tenants


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise DocumentNotFound from None
