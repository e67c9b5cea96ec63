"""The part of a corpus that a question may search: what the asker may read, within the question's filters."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from django.conf import settings
from django.db.models import BooleanField, Func, QuerySet

from documents.access import Principal, readable_documents
from documents.compiling import Compiled, compiled, with_literal
from documents.filtering import condition_of
from documents.models import Corpus, Document, Embedding

STATEMENTS_KEPT = 1000
_lock = threading.Lock()
_statements: LRUCache[Any, Readable] = LRUCache(STATEMENTS_KEPT)


@dataclass(frozen=True)
class Readable:
    """The statements for the documents that somebody may read.

    Written once for all statements of a question, and for all questions of an asker that have no filter: Django takes
    longer to write the conditions on who may read what than Postgres to check them. They hold no rights themselves,
    only the way to look them up.
    """

    ids: Compiled
    live_versions: Compiled

    @classmethod
    def of(cls, documents: QuerySet[Document], corpus: Corpus) -> Readable:
        """Return the statements for the documents of a queryset, which are of this corpus."""
        statements = compiled(documents, "pk"), compiled(documents, "pk", "version")
        return cls(*(with_literal(each, corpus.pk) for each in statements))


@dataclass(frozen=True)
class Reach:
    """A corpus, or a part of it. Every query for chunks or vectors starts from here."""

    corpus: Corpus
    statements: Readable
    chunk_count: int  # of a large part, only that it is above EXACT_SCAN_MAX_CHUNKS
    only: tuple[UUID, ...] | None = None  # the documents of a small part
    is_restricted: bool = False  # by filters, or because some documents aren't for everybody

    @property
    def is_small(self) -> bool:
        """Return whether looking at every chunk is the best way."""
        return self.chunk_count <= int(settings.EXACT_SCAN_MAX_CHUNKS)

    @cached_property
    def live_chunks(self) -> Compiled:
        """Return the condition for a row of documents_chunk to be within reach: in the live version of a document."""
        sql, parameters = self.statements.live_versions
        condition = f"(documents_chunk.document_id, documents_chunk.version) IN ({sql})"
        if self.only is None:
            return condition, parameters
        return f"{condition} AND documents_chunk.document_id = ANY (%s::uuid[])", (*parameters, list(self.only))

    @property
    def embeddings(self) -> QuerySet[Embedding]:
        """Return the vectors of its documents, in all spaces, and of versions that aren't live too."""
        embeddings = Embedding.objects.filter(Among("document_id", rows=self.statements.ids))
        return embeddings if self.only is None else embeddings.filter(OneOf("document_id", self.only))


def reach_of(corpus: Corpus, principal: Principal, filters: Mapping[str, Any] | None = None) -> Reach:
    """Return what of a corpus a principal may search under these filters. Raises InvalidInput for a bad filter."""
    condition = condition_of(filters)
    if condition is None and not _has_closed_documents(corpus):
        return Reach(corpus, _readable(corpus, principal), corpus.chunk_count)
    documents = readable_documents(principal, corpus).order_by()
    listed = readable_documents(principal).filter(corpus=corpus).order_by()
    if condition is not None:
        documents, listed = documents.filter(condition), listed.filter(condition)
    # A document has a chunk at least, so that many documents are enough to know that it is a large part.
    most = int(settings.EXACT_SCAN_MAX_CHUNKS)
    rows = list(listed.values_list("pk", "chunks_total")[: most + 1])
    chunk_count = sum(max(1, chunks) for _, chunks in rows)
    only = tuple(pk for pk, _ in rows) if chunk_count <= most else None
    return Reach(corpus, Readable.of(documents, corpus), chunk_count, only, is_restricted=True)


def _readable(corpus: Corpus, principal: Principal) -> Readable:
    user = principal.user
    key = (corpus.pk, principal.may_ask, None if user is None else (user.pk, user.is_superuser))
    with _lock:
        known = _statements.get(key)
    if known is None:
        known = Readable.of(readable_documents(principal, corpus).order_by(), corpus)
        with _lock:
            _statements[key] = known
    return known


def _has_closed_documents(corpus: Corpus) -> bool:
    """Return whether some documents aren't for everybody; the statements above ask again, this only chooses a way."""
    if corpus.has_closed_documents is not None:
        return corpus.has_closed_documents
    return Document.readers.through.objects.filter(document__corpus=corpus).exists()


class OneOf(Func):
    """Whether a document's id is one of these, given as one array: thousands of ids are slow as a list."""

    output_field = BooleanField()

    def __init__(self, column: str, ids: tuple[UUID, ...]) -> None:
        super().__init__(column)
        self.ids = ids

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return `column = ANY (array)`."""
        column = compiler.compile(self.get_source_expressions()[0])[0]
        return f"{column} = ANY (%s::uuid[])", [list(self.ids)]


class Among(Func):
    """Whether columns of a row are among the rows of a compiled query."""

    output_field = BooleanField()

    def __init__(self, *columns: str, rows: Compiled) -> None:
        super().__init__(*columns)
        self.rows = rows

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return `(columns) IN (query)`."""
        columns = ", ".join(compiler.compile(source)[0] for source in self.get_source_expressions())
        sql, parameters = self.rows
        return f"({columns}) IN ({sql})", list(parameters)
