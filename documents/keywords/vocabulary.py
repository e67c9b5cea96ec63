"""Stores the words of a corpus, and looks up those that resemble a question's unknown word.

A word is deleted with the last chunk of the corpus that has any form of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from documents.keywords.abbreviations import Explaining, learn_abbreviations
from documents.keywords.spelling import Span
from documents.keywords.terms import configuration_for, seed_of
from documents.keywords.tokenization import PreparedText, fold, prepare_text, words_to_learn
from documents.models import Chunk, Corpus
from documents.text.chunking import Piece, embedded_text
from documents.text.normalization import searchable
from ragsite.postgres.thread_connection import preparing_cursor

WORDS_PER_SPAN = 4000  # candidates per span of an unknown word; no corpus that was measured has more
CHUNKS_PER_STEP = 500


class Near(NamedTuple):
    """A word of the corpus that resembles an unknown one."""

    word: str
    folded: str


class Known(NamedTuple):
    """How often a word occurs in the corpus."""

    chunks: int  # in which some form of it occurs
    is_content: bool  # not a stop word


def prepared_for_search(title: str, heading: str, embedded: str, language: str) -> PreparedText:
    """Return the words of a chunk; `embedded` is its text with title and heading.

    Title and heading are repeated, so that their words weigh more than those of the text alone.
    """
    return prepare_text(searchable(f"{title}\n{heading}\n{embedded}"), language)


def learn(corpus_id: int, texts: Iterable[PreparedText], language: str) -> None:
    """Store the words of texts that the corpus doesn't have yet."""
    # Sorted, so that two transactions that insert the same words don't deadlock.
    words = sorted((fold(word), word) for word in words_to_learn(texts))
    given: dict[str, Any] = {
        "folded": [folded for folded, _ in words],
        "words": [word for _, word in words],
        "corpus": corpus_id,
        "seed": seed_of(corpus_id),
        "configuration": configuration_for(language),
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEARN, given)


_LEARN = """
INSERT INTO documents_word (corpus_id, folded, word, term)
SELECT %(corpus)s, folded, word, hashtextextended(lexeme, %(seed)s)
FROM unnest(%(folded)s::text[], %(words)s::text[]) AS given (folded, word)
CROSS JOIN LATERAL unnest(to_tsvector(%(configuration)s::regconfig, word)) AS stemmed (lexeme)
WHERE NOT EXISTS (
    SELECT FROM documents_word AS known
    WHERE known.corpus_id = %(corpus)s
    AND known.folded = given.folded COLLATE "C" AND known.word = given.word COLLATE "C"
)
ON CONFLICT DO NOTHING
"""


def forget_words(document_id: UUID, *, keep: Sequence[int]) -> None:
    """Delete the words that no chunk has any more when all versions of a document but `keep` are deleted.

    Call it after these versions were counted out, and before their chunks are deleted. The words of the kept versions
    stay, also of one that is not searched yet. A word that otherwise only a document being indexed has is lost until
    that document is indexed again: it is searched, but not proposed as a correction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"document": document_id, "keep": list(keep)})


_FORGET = """
DELETE FROM documents_word WHERE id IN (
    SELECT id FROM documents_word
    WHERE term IN (
        SELECT unnest(terms) FROM documents_chunk
        WHERE document_id = %(document)s AND NOT version = ANY (%(keep)s::int[])
    )
    AND NOT EXISTS (SELECT FROM documents_termfrequency AS used WHERE used.term = documents_word.term)
    AND term NOT IN (
        SELECT unnest(terms) FROM documents_chunk
        WHERE document_id = %(document)s AND version = ANY (%(keep)s::int[])
    )
    ORDER BY id
    FOR UPDATE
)
"""


def learn_corpus(corpus: Corpus) -> None:
    """Store the words and abbreviations of all live chunks of a corpus, in small transactions. Idempotent."""
    for rows in _live_chunks(corpus):
        texts, explaining = [], []
        for document_id, version, title, heading, text in rows:
            explaining.append(Explaining(document_id, version, text))
            embedded = embedded_text(title, Piece(0, text, heading, None, 0, len(text)))
            texts.append(prepared_for_search(title, heading, embedded, corpus.language))
        with transaction.atomic():
            learn(corpus.pk, texts, corpus.language)
            learn_abbreviations(corpus.pk, explaining)
    Corpus.objects.filter(pk=corpus.pk).update(has_vocabulary=True)


def _live_chunks(corpus: Corpus) -> Iterator[list[tuple[UUID, int, str, str, str]]]:
    last = 0
    while True:
        rows = list(
            Chunk.objects.filter(pk__gt=last, document__corpus=corpus, document__deleted_at=None)
            .extra(where=["documents_chunk.version = documents_document.version"])
            .order_by("pk")
            .values_list("pk", "document_id", "version", "document__title", "heading", "text")[:CHUNKS_PER_STEP]
        )
        if not rows:
            return
        last = rows[-1][0]
        yield [row[1:] for row in rows]


def words_within(corpus: Corpus, spans: Sequence[Span]) -> list[list[Near]]:
    """Return the words of the corpus within each span, in no order."""
    given: dict[str, Any] = {
        "corpus": corpus.pk,
        "beginnings": [span.beginning for span in spans],
        "ends": [span.end[::-1] for span in spans],
        "shortest": [span.shortest for span in spans],
        "longest": [span.longest for span in spans],
        "most": WORDS_PER_SPAN,
    }
    found: list[list[Near]] = [[] for _ in spans]
    with preparing_cursor() as cursor:
        cursor.execute(_WITHIN, given)
        for place, word, folded in cursor.fetchall():
            found[place - 1].append(Near(word, folded))
    return found


# No LIKE: Postgres uses the index for it only when the pattern is a constant.
_WITHIN = """
SELECT place, word, folded
FROM unnest(%(beginnings)s::text[], %(ends)s::text[], %(shortest)s::int[], %(longest)s::int[])
    WITH ORDINALITY AS span (beginning, ending, shortest, longest, place)
CROSS JOIN LATERAL (
    (
        SELECT word, folded FROM documents_word
        WHERE corpus_id = %(corpus)s AND span.beginning <> ''
        AND folded >= span.beginning AND folded < (span.beginning || U&'\\+10FFFF') COLLATE "C"
        AND length(folded) BETWEEN span.shortest AND span.longest
        LIMIT %(most)s
    )
    UNION
    (
        SELECT word, folded FROM documents_word
        WHERE corpus_id = %(corpus)s AND span.ending <> ''
        AND reverse(folded) >= span.ending AND reverse(folded) < (span.ending || U&'\\+10FFFF') COLLATE "C"
        AND length(folded) BETWEEN span.shortest AND span.longest
        LIMIT %(most)s
    )
) AS near
"""


def known_among(corpus: Corpus, words: Iterable[str], *, folded: bool) -> dict[str, Known]:
    """Return how often these words occur in the corpus, by word; words that it doesn't have are left out."""
    configuration = configuration_for(corpus.language)
    given: dict[str, Any] = {
        "words": list(words),
        "seed": seed_of(corpus.pk),
        "kinds": [0, 1] if folded else [0],
        "configuration": configuration,
        "content": f"content_{configuration}" if configuration.startswith("ragsite_") else configuration,
    }
    with preparing_cursor() as cursor:
        cursor.execute(_KNOWN, given)
        return {word: Known(int(chunks), is_content) for word, chunks, is_content in cursor.fetchall()}


_KNOWN = """
SELECT word, sum(chunks), bool_or(to_tsvector(%(content)s::regconfig, word) <> '')
FROM unnest(%(words)s::text[]) AS given (word)
CROSS JOIN LATERAL unnest(to_tsvector(%(configuration)s::regconfig, word)) AS stemmed (lexeme)
CROSS JOIN unnest(%(kinds)s::int[]) AS kind
JOIN documents_termfrequency ON term = hashtextextended(lexeme, %(seed)s::bigint + kind)
GROUP BY word
HAVING sum(chunks) > 0
"""
