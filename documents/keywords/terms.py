"""Reads a question's terms and keeps the term frequencies of a corpus, for the keyword leg.

A term is a 64-bit hash of (corpus, kind, lexeme). Kind 0 is the lexeme as it is written. Kinds 1 and 2 are the lexeme
without accents, stored only where that makes a difference: 1 where the chunk doesn't have it as kind 0, 2 where it
has, but not as often. The other kinds mark a lexeme that occurs often in the chunk: 1 + 2 * level where it is kind 0,
2 + 2 * level where it is kind 1 or 2. For a question whose words occur in 100,000 chunks, the marks select the chunks
in which they occur most often, so that not all are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from documents.keywords.query_terms import CONTEXT_FACTOR, KINDS, LEVELS, Alike, Corrected, QuestionTerm, ReadQuestion
from documents.keywords.tokenization import PreparedText, fold, prepare_question, prepare_text
from documents.models import Corpus, Document
from ragsite.postgres.thread_connection import preparing_cursor

__all__ = [
    "CONTEXT_FACTOR",
    "KINDS",
    "LEVELS",
    "Alike",
    "Corrected",
    "PreparedText",
    "QuestionTerm",
    "ReadQuestion",
    "configuration_for",
    "count_in",
    "count_out",
    "fold",
    "prepare_question",
    "prepare_text",
    "read_question",
    "read_words",
    "recount",
    "seed_of",
    "stemmed_languages",
]

_NONE = "simple"  # neither stems nor stop words


@lru_cache(maxsize=1)
def stemmed_languages() -> frozenset[str]:
    """Return the ISO 639-1 codes of the languages that Postgres can stem."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT substr(cfgname, 9) FROM pg_ts_config WHERE cfgname ~ '^ragsite_'")
        return frozenset(code for (code,) in cursor.fetchall())


def configuration_for(language: str) -> str:
    """Return the text search configuration that stems a language and keeps its stop words."""
    code = language.lower().replace("_", "-").partition("-")[0]  # `pt` of `pt-BR`
    return f"ragsite_{code}" if code in stemmed_languages() else _NONE


def seed_of(corpus_id: int) -> int:
    """Return the hash seed of a corpus; the kind is added to it."""
    return corpus_id * 32


def read_question(corpus: Corpus, question: str) -> ReadQuestion:
    """Return the words of a question as they are typed, with their frequencies in the corpus."""
    prepared = prepare_question(question, corpus.language)
    return read_words(corpus, prepared.text.split(), folded=prepared.folded)[0]


def read_words(
    corpus: Corpus, words: Sequence[str], *, folded: bool, joined: Sequence[str] = ()
) -> tuple[ReadQuestion, frozenset[str]]:
    """Return words with their frequencies in the corpus, and those of `joined` that it has: one statement."""
    configuration = configuration_for(corpus.language)
    with preparing_cursor() as cursor:
        cursor.execute(
            _READ_QUESTION,
            {
                "text": " ".join(words),
                "joined": list(joined),
                "folded": folded,
                "configuration": configuration,
                "without_stop_words": configuration if configuration == _NONE else f"content_{configuration}",
                "seed": seed_of(corpus.pk),
                "kinds": KINDS,
            },
        )
        rows = cursor.fetchall()
    terms = tuple(
        QuestionTerm(lexeme, tuple(places), is_content, tuple(keys), tuple(chunks), folded)
        for lexeme, places, is_content, keys, chunks in rows
        if keys
    )
    known = next((places for _, places, _, keys, _ in rows if not keys), None) or ()
    return ReadQuestion(tuple(words), terms, folded), frozenset(joined[place - 1] for place in known)


# MATERIALIZED: stop words are removed once, not once per word, also when the statement is prepared.
_READ_QUESTION = """
WITH content AS MATERIALIZED (
    SELECT tsvector_to_array(to_tsvector(%(without_stop_words)s::regconfig, %(text)s)) AS lexemes
)
SELECT
    lexeme,
    positions,
    lexeme = ANY (content.lexemes),
    keys,
    ARRAY(
        SELECT coalesce((SELECT chunks FROM documents_termfrequency WHERE term = keys[kind]), 0)
        FROM generate_series(1, %(kinds)s::int) AS kind
    )
FROM content
CROSS JOIN unnest(to_tsvector(%(configuration)s::regconfig, %(text)s))
CROSS JOIN LATERAL (
    SELECT ARRAY(
        SELECT hashtextextended(lexeme, %(seed)s::bigint + kind) FROM generate_series(0, %(kinds)s::int - 1) AS kind
    ) AS keys
    OFFSET 0  -- keeps Postgres from hashing again for each lookup
) AS hashed
UNION ALL
SELECT
    '',
    ARRAY(
        SELECT place::smallint
        FROM unnest(%(joined)s::text[]) WITH ORDINALITY AS pair (word, place)
        CROSS JOIN LATERAL unnest(to_tsvector(%(configuration)s::regconfig, word)) AS one (lexeme)
        JOIN documents_termfrequency AS known ON known.term = ANY (ARRAY[
            hashtextextended(one.lexeme, %(seed)s::bigint),
            hashtextextended(one.lexeme, %(seed)s::bigint + %(folded)s::bool::int)
        ])
    ),
    FALSE,
    NULL,
    NULL
ORDER BY 1
"""


def count_in(corpus: Corpus, document: Document, version: int) -> None:
    """Add the chunks of a version to the corpus' counts. The caller holds the corpus' row, in a transaction."""
    count_all_in(corpus, [(document.pk, version)])


def count_all_in(corpus: Corpus, versions: Sequence[tuple[UUID, int]]) -> None:
    """Add the chunks of versions of several documents to the corpus' counts; see `count_in`."""
    _add(corpus, versions, sign=1)


def count_out(corpus: Corpus, document: Document, version: int) -> None:
    """Take the chunks of a version out of the corpus' counts. The caller holds the corpus' row, in a transaction."""
    _add(corpus, [(document.pk, version)], sign=-1)


def _add(corpus: Corpus, versions: Sequence[tuple[UUID, int]], *, sign: int) -> None:
    given: dict[str, Any] = {
        "corpus": corpus.pk,
        "documents": [document for document, _ in versions],
        "versions": [version for _, version in versions],
        "sign": sign,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TERMS if sign > 0 else _TAKE_TERMS, given)
        if sign < 0:
            cursor.execute(_DROP_UNUSED, given)
        cursor.execute(_ADD_LENGTHS, given)
    corpus.refresh_from_db(fields=["chunk_count", "lexeme_count"])


# The caller holds the corpus' row, and a term belongs to one corpus: so two counts never deadlock here.
_ADD_TERMS = """
INSERT INTO documents_termfrequency AS known (term, corpus_id, chunks)
SELECT term, %(corpus)s, count(*)
FROM unnest(%(documents)s::uuid[], %(versions)s::int[]) AS given (document_id, version)
JOIN documents_chunk USING (document_id, version)
CROSS JOIN LATERAL unnest(terms) AS term
GROUP BY term
ORDER BY term
ON CONFLICT (term) DO UPDATE SET chunks = known.chunks + excluded.chunks
"""
_TAKE_TERMS = """
UPDATE documents_termfrequency AS known
SET chunks = greatest(0, known.chunks - gone.chunks)
FROM (
    SELECT term, count(*) AS chunks
    FROM unnest(%(documents)s::uuid[], %(versions)s::int[]) AS given (document_id, version)
    JOIN documents_chunk USING (document_id, version)
    CROSS JOIN LATERAL unnest(terms) AS term
    GROUP BY term
) AS gone
WHERE known.term = gone.term
"""
_DROP_UNUSED = """
DELETE FROM documents_termfrequency
WHERE chunks = 0 AND term IN (
    SELECT unnest(terms)
    FROM unnest(%(documents)s::uuid[], %(versions)s::int[]) AS given (document_id, version)
    JOIN documents_chunk USING (document_id, version)
)
"""
_ADD_LENGTHS = """
UPDATE documents_corpus
SET chunk_count = greatest(0, chunk_count + %(sign)s * added.chunks),
    lexeme_count = greatest(0, documents_corpus.lexeme_count + %(sign)s * added.lexemes)
FROM (
    SELECT count(*) AS chunks, coalesce(sum(lexeme_count), 0) AS lexemes
    FROM unnest(%(documents)s::uuid[], %(versions)s::int[]) AS given (document_id, version)
    JOIN documents_chunk USING (document_id, version)
) AS added
WHERE id = %(corpus)s
"""


def recount(corpus: Corpus) -> None:
    """Count all live chunks of a corpus again. The caller holds the corpus' row, in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM documents_termfrequency WHERE corpus_id = %s", [corpus.pk])
        cursor.execute(_COUNT_TERMS, [corpus.pk])
        cursor.execute(_COUNT_LENGTHS, [corpus.pk, corpus.pk])
    corpus.refresh_from_db(fields=["chunk_count", "lexeme_count"])


_COUNT_TERMS = """
INSERT INTO documents_termfrequency (term, corpus_id, chunks)
SELECT term, document.corpus_id, count(*)
FROM documents_document AS document
JOIN documents_chunk AS chunk ON chunk.document_id = document.id AND chunk.version = document.version
CROSS JOIN unnest(terms) AS term
WHERE document.corpus_id = %s AND document.deleted_at IS NULL
GROUP BY term, document.corpus_id
ORDER BY term
"""
_COUNT_LENGTHS = """
UPDATE documents_corpus
SET chunk_count = live.chunks, lexeme_count = live.lexemes
FROM (
    SELECT count(*) AS chunks, coalesce(sum(chunk.lexeme_count), 0) AS lexemes
    FROM documents_document AS document
    JOIN documents_chunk AS chunk ON chunk.document_id = document.id AND chunk.version = document.version
    WHERE document.corpus_id = %s AND document.deleted_at IS NULL
) AS live
WHERE id = %s
"""
