"""The part of a corpus that a question may search: what the asker may read, within the question's filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, Func, QuerySet

from documents.access import Principal, readable_documents
from documents.filtering import condition_of
from documents.models import Chunk, Corpus, Document, Embedding

Compiled = tuple[str, tuple[Any, ...]]  # SQL and its parameters


@dataclass(frozen=True)
class Reach:
    """A corpus, or a part of it. Every query for chunks or vectors starts from here."""

    corpus: Corpus
    documents: QuerySet[Document]
    chunk_count: int  # of a large part, only that it is above EXACT_SCAN_MAX_CHUNKS
    only: tuple[UUID, ...] | None = None  # the documents of a small part
    is_restricted: bool = False  # by filters, or because some documents aren't for everybody

    @property
    def is_small(self) -> bool:
        """Return whether looking at every chunk is the best way."""
        return self.chunk_count <= int(settings.EXACT_SCAN_MAX_CHUNKS)

    @property
    def chunks(self) -> QuerySet[Chunk]:
        """Return the chunks of it: of the documents' live versions."""
        chunks = Chunk.objects.filter(Among("document_id", "version", rows=self._live_versions))
        return chunks if self.only is None else chunks.filter(OneOf("document_id", self.only))

    @property
    def embeddings(self) -> QuerySet[Embedding]:
        """Return the vectors of its documents, in all spaces, and of versions that aren't live too."""
        embeddings = Embedding.objects.filter(Among("document_id", rows=self._document_ids))
        return embeddings if self.only is None else embeddings.filter(OneOf("document_id", self.only))

    # Compiled once for all statements of a question: Django takes longer to write the conditions on who may read what
    # than Postgres to check them.
    @cached_property
    def _live_versions(self) -> Compiled:
        return _compiled(self.documents, "pk", "version")

    @cached_property
    def _document_ids(self) -> Compiled:
        return _compiled(self.documents, "pk")


def reach_of(corpus: Corpus, principal: Principal, filters: Mapping[str, Any] | None = None) -> Reach:
    """Return what of a corpus a principal may search under these filters. Raises InvalidInput for a bad filter."""
    condition = condition_of(filters)
    documents = readable_documents(principal, corpus).order_by()
    if condition is None and not _has_closed_documents(corpus):
        return Reach(corpus, documents, corpus.chunk_count)
    listed = readable_documents(principal).filter(corpus=corpus).order_by()
    if condition is not None:
        documents, listed = documents.filter(condition), listed.filter(condition)
    # A document has a chunk at least, so that many documents are enough to know that it is a large part.
    most = int(settings.EXACT_SCAN_MAX_CHUNKS)
    rows = list(listed.values_list("pk", "chunks_total")[: most + 1])
    chunk_count = sum(max(1, chunks) for _, chunks in rows)
    only = tuple(pk for pk, _ in rows) if chunk_count <= most else None
    return Reach(corpus, documents, chunk_count, only, is_restricted=True)


def _has_closed_documents(corpus: Corpus) -> bool:
    return Document.readers.through.objects.filter(document__corpus=corpus).exists()


def _compiled(documents: QuerySet[Document], *columns: str) -> Compiled:
    try:
        sql, parameters = documents.values(*columns).query.sql_with_params()
    except EmptyResultSet:  # a principal who may ask nothing
        return f"SELECT {', '.join(['NULL'] * len(columns))} WHERE FALSE", ()
    return str(sql), tuple(parameters)


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
