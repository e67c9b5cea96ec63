"""Finds the live chunks of a corpus that have no vector in a space, and counts them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet

from documents.models import Chunk, Corpus, Document, Embedding, EmbeddingSpace
from documents.search.search_scope import Readable, SearchScope


@dataclass(frozen=True)
class Coverage:
    """How many of the live chunks have a vector in a space."""

    covered: int
    total: int

    @property
    def is_complete(self) -> bool:
        """Return whether all live chunks have a vector."""
        return self.covered >= self.total


def live_chunks(corpus: Corpus) -> QuerySet[Chunk]:
    """Return the live chunks of a corpus: those of its documents' live versions."""
    return Chunk.objects.filter(
        document__corpus=corpus, document__deleted_at=None, version=F("document__version")
    ).order_by()


def missing_chunks(space: EmbeddingSpace) -> QuerySet[Chunk]:
    """Return the live chunks without a vector in the space."""
    own = Embedding.objects.filter(space=space, chunk=OuterRef("pk"))
    return live_chunks(space.corpus).filter(~Exists(own))


def coverage_of(space: EmbeddingSpace) -> Coverage:
    """Return how many live chunks have a vector in the space."""
    total = live_chunks(space.corpus).count()
    return Coverage(total - missing_chunks(space).count(), total)


def whole(corpus: Corpus) -> SearchScope:
    """Return the search scope of a whole corpus, without any limit of rights."""
    documents = Document.objects.filter(corpus=corpus, deleted_at=None).order_by()
    return SearchScope(corpus, Readable.of(documents, corpus), corpus.chunk_count)
