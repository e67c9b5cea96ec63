"""Stores the abbreviations that documents explain, and expands a question by them in both directions."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from cachetools import LRUCache
from django.db import connection

from documents.keywords.definitions import LONG_MAX_WORDS, abbreviations_in
from documents.keywords.dictionary import is_word
from documents.keywords.synonyms import Others
from documents.keywords.terms import ReadQuestion
from documents.keywords.tokenization import fold
from documents.models import Corpus
from ragsite.postgres.thread_connection import preparing_cursor

WORDS_MAX = 60  # of a question that are looked up
ROWS_MAX = 1000  # read per lookup: many documents explain the same abbreviation
KEPT_MAX = 1000  # abbreviations of a corpus in this process's memory: 200 kB
Row = tuple[str, str, str]  # short, long, and that without accents


class Explained(NamedTuple):
    """Abbreviations, indexed by short form and by long form."""

    by_short: Mapping[str, Sequence[str]]  # the short form -> what it stands for
    by_folded: Mapping[str, Sequence[tuple[str, str]]]  # what it stands for, without accents -> short form, long one
    longest: int  # words of the longest of these


_lock = threading.Lock()
_kept: LRUCache[tuple[int, int, bool], Explained | None] = LRUCache(100)  # corpora


class Explaining(NamedTuple):
    """A passage that may explain abbreviations."""

    document_id: UUID
    version: int
    text: str


def learn_abbreviations(corpus_id: int, passages: Iterable[Explaining]) -> None:
    """Store the abbreviations that passages explain. Idempotent."""
    rows = sorted(
        {(str(each.document_id), each.version, *one) for each in passages for one in abbreviations_in(each.text)}
    )
    if not rows:
        return
    documents, versions, shorts, longs = zip(*rows, strict=True)
    given: dict[str, Any] = {
        "corpus": corpus_id,
        "documents": list(documents),
        "versions": list(versions),
        "shorts": list(shorts),
        "longs": list(longs),
        "folded": [fold(long) for long in longs],
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEARN, given)


_LEARN = """
INSERT INTO documents_abbreviation (corpus_id, document_id, version, short, long, folded)
SELECT %(corpus)s, document, version, short, long, folded
FROM unnest(
    %(documents)s::uuid[], %(versions)s::int[], %(shorts)s::text[], %(longs)s::text[], %(folded)s::text[]
) AS given (document, version, short, long, folded)
WHERE EXISTS (
    -- Nothing is stored for a document that is being deleted.
    SELECT FROM documents_document WHERE id = given.document AND deleted_at IS NULL FOR KEY SHARE
)
ON CONFLICT DO NOTHING
"""


def abbreviations_for(corpus: Corpus, read: ReadQuestion, capitals: Collection[str]) -> list[Others]:
    """Return the long forms of a question's abbreviations, and the abbreviations of the long forms in it.

    `capitals` are the question's words in capitals, in lower case: a real word ("it") is no abbreviation without them.
    """
    words = _words(read)
    if not words:
        return []
    explained = _all_of(corpus) or _explained_among(corpus, words)
    found: list[tuple[str, str, Others]] = []
    for place, word in words:
        if word in explained.by_short and (word in capitals or not is_word(word, corpus.language)):
            for long in explained.by_short[word]:
                found.append((word, long, Others((place,), (tuple(long.split()),))))
    for span, (first, end) in _spans(words, explained.longest).items():
        for short, long in explained.by_folded.get(span, ()):
            found.append((short, long, Others(tuple(place for place, _ in words[first:end]), ((short,),))))
    return [others for _, _, others in sorted(found, key=lambda each: each[:2])]


def _spans(words: Sequence[tuple[int, str]], longest: int) -> dict[str, tuple[int, int]]:
    """Return the question's phrases of up to so many words, with the places of their first word and after the last."""
    return {
        " ".join(word for _, word in words[first:end]): (first, end)
        for first in range(len(words))
        for end in range(first + 1, min(len(words), first + longest) + 1)
    }


def _all_of(corpus: Corpus) -> Explained | None:
    """Return all abbreviations of a corpus, cached for each of its epochs; None: too many to be cached.

    Most corpora explain a few hundred. A statement for each question would take 5 % of a search's time.
    """
    key = (corpus.pk, corpus.epoch, corpus.has_vocabulary)
    with _lock:
        if key in _kept:
            return _kept[key]
    with preparing_cursor() as cursor:
        cursor.execute(_ALL, {"corpus": corpus.pk, "most": KEPT_MAX + 1})
        rows = cursor.fetchall()
    with _lock:
        _kept[key] = None if len(rows) > KEPT_MAX else _by_words(rows)
        return _kept[key]


def _explained_among(corpus: Corpus, words: Sequence[tuple[int, str]]) -> Explained:
    """Return the corpus' abbreviations for these words and their phrases."""
    given: dict[str, Any] = {
        "corpus": corpus.pk,
        "words": list({word for _, word in words}),
        "spans": list(_spans(words, LONG_MAX_WORDS)),
        "most": ROWS_MAX,
    }
    with preparing_cursor() as cursor:
        cursor.execute(_EXPLAINED, given)
        return _by_words(cursor.fetchall())


def _by_words(rows: Iterable[Row]) -> Explained:
    by_short: dict[str, list[str]] = {}
    by_folded: dict[str, list[tuple[str, str]]] = {}
    for short, long, folded in rows:
        by_short.setdefault(short, []).append(long)
        by_folded.setdefault(folded, []).append((short, long))
    return Explained(by_short, by_folded, max((len(folded.split()) for folded in by_folded), default=0))


def _words(read: ReadQuestion) -> Sequence[tuple[int, str]]:
    """Return a question's first words without accents, with their places; multi-factor is two of them, not three."""
    words: list[tuple[int, str]] = []
    for place, word in enumerate(map(fold, read.words), start=1):
        if word != "".join(one for _, one in words[-2:]):
            words.append((place, word))
    return words[:WORDS_MAX]


_ALL = """
SELECT DISTINCT short, long, folded FROM documents_abbreviation WHERE corpus_id = %(corpus)s
ORDER BY short, long LIMIT %(most)s
"""
_EXPLAINED = """
SELECT DISTINCT short, long, folded
FROM (
    (
        SELECT short, long, folded FROM documents_abbreviation
        WHERE corpus_id = %(corpus)s AND short = ANY (%(words)s::text[]) LIMIT %(most)s
    )
    UNION ALL
    (
        SELECT short, long, folded FROM documents_abbreviation
        WHERE corpus_id = %(corpus)s AND folded = ANY (%(spans)s::text[]) LIMIT %(most)s
    )
) AS explained
ORDER BY short, long
"""
