"""Defines the search scope of a question in a corpus: the documents that the principal may read and filters select."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from django.conf import settings
from django.db.models import Q, QuerySet

from documents.access.policy import Principal, readable_documents
from documents.models import Corpus, Document
from documents.search.filters import condition_of
from ragsite.postgres.compiled_queries import Compiled, compiled, rows_of, with_literal

STATEMENTS_KEPT = 1000
_lock = threading.Lock()
_statements: LRUCache[Any, tuple[Readable, Compiled]] = LRUCache(STATEMENTS_KEPT)


@dataclass(frozen=True)
class Readable:
    """The statements that select the documents a principal may read.

    Compiled once for all statements of a question, and for all questions of a principal without filters: Django takes
    longer to compile the conditions than Postgres to check them. They contain no rights, they look them up.
    """

    ids: Compiled
    live_versions: Compiled

    @classmethod
    def of(cls, documents: QuerySet[Document], corpus: Corpus) -> Readable:
        """Return the statements for the documents of a queryset, which are of this corpus."""
        statements = compiled(documents, "pk"), compiled(documents, "pk", "version")
        return cls(*(with_literal(each, corpus.pk) for each in statements))


@dataclass(frozen=True)
class SearchScope:
    """A corpus, or the part of it that is searched. Queries for chunks or vectors take their conditions from here."""

    corpus: Corpus
    statements: Readable
    chunk_count: int  # of a large part, only that it is above EXACT_SCAN_MAX_CHUNKS
    only: tuple[UUID, ...] | None = None  # the documents of a small part
    is_restricted: bool = False  # by filters, or because some documents name readers

    @property
    def is_small(self) -> bool:
        """Return whether an exact scan of all its chunks is faster than the index."""
        return self.chunk_count <= int(settings.EXACT_SCAN_MAX_CHUNKS)

    @property
    def is_known(self) -> bool:
        """Return whether nearly all rows that `listed` lets through are within scope: then rights are checked last.

        That is, for the best rows only, until there are enough. The conditions are many: checked for every row they
        take longer than everything else, and in some plans Postgres reads the list again for each of its documents.
        """
        return not self.is_restricted or self.only is not None

    def rows_of(self, statement: Compiled) -> list[tuple[Any, ...]]:
        """Return the rows of a statement with this scope's conditions.

        A statement with filters is planned each time, because its values decide how many documents are left. A generic
        plan expects few, and looks up document by document even if all are left: 1 s instead of 50 ms for 100,000
        chunks.
        """
        return rows_of(statement, is_kept=not self.is_restricted)

    @cached_property
    def listed(self) -> Compiled:
        """Return the condition that a document_id is in a small scope; TRUE for a large one and a whole corpus."""
        if self.only is None:
            return "TRUE", ()
        return "document_id = ANY (%s::uuid[])", (f"{{{','.join(map(str, self.only))}}}",)

    @cached_property
    def live_chunks(self) -> Compiled:
        """Return the condition that a row of documents_chunk is within scope, in the live version of its document."""
        sql, parameters = self.statements.live_versions
        return f"(documents_chunk.document_id, documents_chunk.version) IN ({sql})", parameters

    @cached_property
    def vectors(self) -> Compiled:
        """Return the condition that a row of documents_embedding is of a document in scope, in any space or version."""
        sql, parameters = self.statements.ids
        return f"document_id IN ({sql})", parameters


def search_scope_of(corpus: Corpus, principal: Principal, filters: Mapping[str, Any] | None = None) -> SearchScope:
    """Return the scope that a principal may search under these filters. Raises InvalidInput for a bad filter."""
    condition = condition_of(filters)
    readable, listing = _known(corpus, principal) if condition is None else _written(corpus, principal, condition)
    if condition is None and not _has_closed_documents(corpus):
        return SearchScope(corpus, readable, corpus.chunk_count)
    # A document has at least one chunk, so this many documents are enough to know that the scope is large.
    most = int(settings.EXACT_SCAN_MAX_CHUNKS)
    sql, parameters = listing
    rows = rows_of((f"{sql} LIMIT %s", (*parameters, most + 1)), is_kept=condition is None)
    chunk_count = sum(max(1, chunks) for _, chunks in rows)
    only = tuple(pk for pk, _ in rows) if chunk_count <= most else None
    return SearchScope(corpus, readable, chunk_count, only, is_restricted=True)


def _known(corpus: Corpus, principal: Principal) -> tuple[Readable, Compiled]:
    """Return the statements of a principal without filters, compiled at the first question."""
    user = principal.user
    key = (corpus.pk, principal.may_ask, None if user is None else (user.pk, user.is_superuser))
    with _lock:
        known = _statements.get(key)
    if known is None:
        known = _written(corpus, principal, None)
        with _lock:
            _statements[key] = known
    return known


def _written(corpus: Corpus, principal: Principal, condition: Q | None) -> tuple[Readable, Compiled]:
    """Compile the statements for the documents within scope, and the one that lists them: (id, number of chunks)."""
    documents = readable_documents(principal, corpus).order_by()
    listed = readable_documents(principal).filter(corpus=corpus).order_by()
    if condition is not None:
        documents, listed = documents.filter(condition), listed.filter(condition)
    return Readable.of(documents, corpus), compiled(listed, "pk", "chunks_total")


def _has_closed_documents(corpus: Corpus) -> bool:
    """Return whether some documents name readers. It only chooses the plan: the statements check the rights."""
    if corpus.has_closed_documents is not None:
        return corpus.has_closed_documents
    return Document.readers.through.objects.filter(document__corpus=corpus).exists()
