"""Documents that are searchable at once: chunks, vectors and counts, without files and workers."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from documents.keywords.terms import count_in
from documents.models import Corpus, Document
from documents.storage.bulk_insert import insert_chunks, insert_embeddings, lock_corpus
from documents.text.chunking import Piece, embedded_text
from documents.vectors.embedding import embed_passages
from documents.vectors.spaces import live_space_of
from ragsite.deadline import Deadline

_numbers = itertools.count(1)


def stock(corpus: Corpus, *passages: str, embed: bool = True, **fields: Any) -> Document:
    """Return a live document of these passages, one chunk each."""
    values = {"title": "", "version": 1, "status": Document.Status.READY, "chunks_total": len(passages), **fields}
    sha256 = hashlib.sha256(str(next(_numbers)).encode()).hexdigest()
    document = Document.objects.create(tenant=corpus.tenant, corpus=corpus, sha256=sha256, **values)
    add_version(document, passages, version=document.version, embed=embed)
    with transaction.atomic():
        count_in(lock_corpus(corpus.pk), document, document.version)
    corpus.refresh_from_db()
    return document


def add_version(document: Document, passages: Sequence[str], *, version: int, embed: bool = True) -> list[int]:
    """Store passages as chunks of a version, and return their ids."""
    pieces = [Piece(place, text, "", None, 0, len(text)) for place, text in enumerate(passages)]
    corpus = document.corpus
    with transaction.atomic():
        ids = insert_chunks(document, version, pieces, title=document.title, language=corpus.language)
        if embed:
            space = live_space_of(corpus)
            texts = [embedded_text(document.title, piece) for piece in pieces]
            insert_embeddings(space, document, ids, embed_passages(space, texts, deadline=Deadline.after(30)))
    return ids
