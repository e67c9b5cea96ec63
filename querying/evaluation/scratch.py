"""Makes a corpus for one evaluation, and deletes it afterwards, however the evaluation ended."""

from __future__ import annotations

import hashlib
import secrets
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from django.contrib.auth.models import User
from django.db import transaction

from documents.access.policy import Principal
from documents.keywords.terms import recount
from documents.models import Corpus, Document, EmbeddingSpace, Tenant
from documents.reindexing.closeness import keep_closeness
from documents.storage.bulk_insert import ChunkRow, insert_chunk_rows, insert_embedding_rows, lock_corpus
from documents.storage.deletion import delete_corpus
from documents.text.chunking import Piece, embedded_text
from documents.vectors.embedding import embed_passages
from documents.vectors.spaces import ensure_index, fields_for, live_space_of
from ragsite.deadline import Deadline

DOCUMENTS_PER_BATCH = 500
LOADING_SECONDS = 4 * 3600.0
# May read everything, and has no row in the database.
EVALUATOR = Principal(User(username="evaluator", is_superuser=True))


@contextmanager
def scratch_corpus(language: str, *, provider: str | None = None) -> Iterator[Corpus]:
    """Make a closed corpus in a tenant of its own; remove both when the block ends, Ctrl-C and SIGTERM included."""
    name = f"evaluation-{secrets.token_hex(4)}"
    tenant = Tenant.objects.create(name=name, slug=name)
    try:
        with _terminable():
            corpus = Corpus.objects.create(tenant=tenant, name=name, slug=name, language=language)
            EmbeddingSpace.objects.create(corpus=corpus, status=EmbeddingSpace.Status.LIVE, **fields_for(provider))
            yield corpus
    finally:
        for corpus in Corpus.objects.filter(tenant=tenant):
            delete_corpus(corpus)
        tenant.delete()


@contextmanager
def _terminable() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block on SIGTERM, as on Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def load_documents(
    corpus: Corpus, documents: Iterable[tuple[str, str, Sequence[Piece]]]
) -> dict[int, tuple[str, Piece]]:
    """Store (id, title, pieces) of documents as if they had been indexed; return id and piece by chunk id."""
    space = live_space_of(corpus)
    loaded: dict[int, tuple[str, Piece]] = {}
    batch: list[tuple[str, str, Sequence[Piece]]] = []
    for document in documents:
        batch.append(document)
        if len(batch) == DOCUMENTS_PER_BATCH:
            loaded |= _load(corpus, space, batch)
            batch = []
    loaded |= _load(corpus, space, batch)
    with transaction.atomic():
        recount(lock_corpus(corpus.pk))
    corpus.refresh_from_db()
    ensure_index(space)
    keep_closeness(space, corpus.chunk_count)
    return loaded


def _load(
    corpus: Corpus, space: EmbeddingSpace, batch: Sequence[tuple[str, str, Sequence[Piece]]]
) -> dict[int, tuple[str, Piece]]:
    rows = [
        Document(
            tenant_id=corpus.tenant_id,
            corpus=corpus,
            title=title[:500],
            sha256=hashlib.sha256(name.encode()).hexdigest(),
            status=Document.Status.READY,
            version=1,
            chunks_total=len(pieces),
        )
        for name, title, pieces in batch
    ]
    chunks = [ChunkRow(row.pk, 1, piece, row.title) for row, each in zip(rows, batch, strict=True) for piece in each[2]]
    names = [name for name, _, pieces in batch for _ in pieces]
    embedded = [embedded_text(chunk.title, chunk.piece) for chunk in chunks]
    filled = [place for place, text in enumerate(embedded) if text.strip()]
    deadline = Deadline.after(LOADING_SECONDS)
    vectors = embed_passages(space, [embedded[place] for place in filled], deadline=deadline)
    with transaction.atomic():
        Document.objects.bulk_create(rows)
        ids = insert_chunk_rows(corpus.pk, chunks, language=corpus.language)
        insert_embedding_rows(space, [(ids[place], chunks[place].document_id) for place in filled], vectors)
    return {pk: (name, chunk.piece) for pk, name, chunk in zip(ids, names, chunks, strict=True)}
