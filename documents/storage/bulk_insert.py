"""Inserts many chunks and vectors at once, inside the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from pgvector import HalfVector

from documents.keywords.abbreviations import Explaining, learn_abbreviations
from documents.keywords.terms import LEVELS, configuration_for, seed_of
from documents.keywords.vocabulary import learn, prepared_for_search
from documents.models import Corpus, Document, EmbeddingSpace
from documents.text.chunking import Piece, embedded_text
from documents.vectors.spaces import fix_dimensions


@dataclass(frozen=True)
class ChunkRow:
    """A chunk to be inserted: its document and version, and what is embedded with it."""

    document_id: UUID
    version: int
    piece: Piece
    title: str


def insert_chunks(document: Document, version: int, pieces: Sequence[Piece], *, title: str, language: str) -> list[int]:
    """Store pieces as chunks of a version, with their terms; return the ids in the order of the pieces."""
    rows = [ChunkRow(document.pk, version, piece, title) for piece in pieces]
    return insert_chunk_rows(document.corpus_id, rows, language=language)


def insert_chunk_rows(corpus_id: int, rows: Sequence[ChunkRow], *, language: str) -> list[int]:
    """Store chunks of one or many documents of a corpus, with their terms; return the ids in the order given.

    An INSERT instead of COPY, because Postgres stems the words in the same statement.
    """
    if not rows:
        return []
    embedded = [embedded_text(row.title, row.piece) for row in rows]
    texts = [
        prepared_for_search(row.title, row.piece.heading, text, language)
        for row, text in zip(rows, embedded, strict=True)
    ]
    columns: dict[str, Any] = {
        "document": [row.document_id for row in rows],
        "version": [row.version for row in rows],
        "ordinal": [row.piece.ordinal for row in rows],
        "text": [row.piece.text for row in rows],
        "heading": [row.piece.heading[:500] for row in rows],
        "page": [row.piece.page for row in rows],
        "start": [row.piece.start for row in rows],
        "end": [row.piece.end for row in rows],
        "borders": [json.dumps(row.piece.borders) for row in rows],
        "hash": [content_hash(text) for text in embedded],
        "exact": [text.exact for text in texts],
        "folded": [text.folded for text in texts],
    }
    constants: dict[str, Any] = {
        "configuration": configuration_for(language),
        "seed": seed_of(corpus_id),
        "levels": list(LEVELS),
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_CHUNKS, columns | constants)
        chunk_ids = sorted(chunk_id for (chunk_id,) in cursor.fetchall())
    learn(corpus_id, texts, language)
    learn_abbreviations(corpus_id, [Explaining(row.document_id, row.version, row.piece.text) for row in rows])
    return chunk_ids


# ORDER BY: ids are assigned in the order of the rows.
_INSERT_CHUNKS = """
INSERT INTO documents_chunk (
    document_id, version, ordinal, text, heading, page, start, "end", borders, content_hash,
    terms, term_counts, lexeme_count
)
SELECT
    document, version, ordinal, text, heading, page, start, "end", borders, content_hash,
    coalesce(counted.terms, '{}') || coalesce(counted.marks, '{}'),
    coalesce(counted.counts, '{}'),
    coalesce(counted.length, 0)
FROM unnest(
    %(document)s::uuid[], %(version)s::int[], %(ordinal)s::int[], %(text)s::text[], %(heading)s::text[],
    %(page)s::int[], %(start)s::int[], %(end)s::int[], %(borders)s::jsonb[], %(hash)s::text[], %(exact)s::text[],
    %(folded)s::text[]
) WITH ORDINALITY AS given (
    document, version, ordinal, text, heading, page, start, "end", borders, content_hash, exact, folded, place
)
CROSS JOIN LATERAL (
    SELECT
        array_agg(hashtextextended(lexeme, %(seed)s + kind)) AS terms,
        array_agg(count::smallint) AS counts,
        sum(count) FILTER (WHERE kind = 0) AS length,
        array_agg(
            hashtextextended(lexeme, %(seed)s + 1 + least(kind, 1) + 2 * width_bucket(count, %(levels)s::int[]))
        ) FILTER (WHERE count >= 2) AS marks
    FROM (
        SELECT lexeme, array_length(positions, 1) AS count, 0 AS kind
        FROM unnest(to_tsvector(%(configuration)s, exact))
        UNION ALL
        -- Without accents: only lexemes that differ.
        SELECT plain.lexeme, array_length(plain.positions, 1), CASE WHEN accented.lexeme IS NULL THEN 1 ELSE 2 END
        FROM unnest(to_tsvector(%(configuration)s, folded)) AS plain
        LEFT JOIN unnest(to_tsvector(%(configuration)s, exact)) AS accented USING (lexeme)
        WHERE folded IS NOT NULL
        AND array_length(plain.positions, 1) IS DISTINCT FROM array_length(accented.positions, 1)
    ) AS lexemes
) AS counted
ORDER BY place
RETURNING id
"""


def content_hash(embedded: str) -> str:
    """Return the SHA-256 of what is embedded, in hex."""
    return hashlib.sha256(embedded.encode("utf-8", "replace")).hexdigest()


def insert_embeddings(
    space: EmbeddingSpace, document: Document, chunk_ids: Sequence[int], vectors: np.ndarray | Sequence[Sequence[float]]
) -> None:
    """Store one vector per chunk of a document. The first vectors of a space fix its dimensions.

    Raises EmbeddingMismatch when they don't fit the space; nothing is stored then.
    """
    insert_embedding_rows(space, [(chunk_id, document.pk) for chunk_id in chunk_ids], vectors)


def insert_embedding_rows(
    space: EmbeddingSpace,
    chunks: Sequence[tuple[int, UUID]],
    vectors: np.ndarray | Sequence[Sequence[float]],
) -> None:
    """Store one vector per (chunk id, document id), by COPY. Raises EmbeddingMismatch as `insert_embeddings` does."""
    matrix = np.asarray(vectors, dtype=np.float32)
    if not len(chunks):
        return
    fix_dimensions(space, matrix, expected=len(chunks))
    _copy(space.pk, zip(chunks, matrix, strict=True))


def _copy(space_id: int, rows: Iterable[tuple[tuple[int, UUID], np.ndarray]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY documents_embedding (space_id, chunk_id, document_id, vector) FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        # Binary COPY has no types, so a vector's binary form can be sent as bytes. Registering pgvector's type would
        # take four queries, and change what Django reads on this connection.
        copy.set_types(["int8", "int8", "uuid", "bytea"])
        for (chunk_id, document_id), vector in rows:
            copy.write_row((space_id, chunk_id, document_id, HalfVector(vector).to_binary()))


def lock_corpus(corpus_id: int) -> Corpus:
    """Return the corpus, locked until the transaction ends, as `count_in` and `count_out` require."""
    return Corpus.objects.select_for_update().get(pk=corpus_id)
