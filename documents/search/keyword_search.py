"""Runs the keyword leg of a search (BM25), and reads exact scores and texts of what both legs found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection, transaction

from documents.keywords.bm25 import Choice, WeightedTerm, bm25
from documents.models import EmbeddingSpace
from documents.search.search_scope import SearchScope
from documents.vectors.index_layout import as_text
from ragsite.postgres.compiled_queries import Compiled

NONE_KNOWN: Mapping[int, float] = MappingProxyType({})


class Scores(NamedTuple):
    """A chunk's exact scores. None: the leg has none for it."""

    lexical: float | None
    dense: float | None  # cosine similarity


@dataclass(frozen=True)
class Found:
    """A chunk with its text and what is shown of its document."""

    chunk_id: int
    document_id: UUID
    document_title: str
    document_source: str
    heading: str
    page: int | None
    borders: str | None  # as JSON; None: stored before they were noted
    start: int
    end: int
    text: str
    lexeme_count: int
    terms: frozenset[int]  # of those that were asked for: what it has


def _array(numbers: Iterable[int]) -> str:
    """Return integers as the text of a Postgres array: psycopg would adapt each number by itself, which is slow."""
    return f"{{{','.join(map(str, numbers))}}}"


def lexical_statement(scope: SearchScope, choice: Choice, limit: int) -> Compiled:
    """Return the statement for the best chunks by BM25 among those that the choice of terms picks: (id, score).

    Written by hand, like the other statements here: Django takes longer to compile them than Postgres to run them.
    """
    live, within = scope.live_chunks
    score, scored = bm25(choice.weighted, scope.corpus.average_length)
    columns = f"id, document_id, version, {score} AS score"
    parts, given = [], []
    if choice.terms or choice.fill_term is None:
        first, conditioned = scope.listed if scope.is_known else (live, within)
        parts.append(f"SELECT {columns} FROM documents_chunk WHERE {first} AND terms && %s::bigint[]")
        given += [*scored, *conditioned, _array(choice.terms)]
    if choice.fill_term is not None:
        # BM25 hardly tells the chunks of a very common word apart, so any of them will do.
        some = f"SELECT id FROM documents_chunk WHERE {live} AND terms @> ARRAY[%s::bigint] LIMIT %s"
        parts.append(f"SELECT {columns} FROM documents_chunk WHERE id IN ({some})")
        given += [*scored, *within, choice.fill_term, choice.fill_limit]
    matched = f"SELECT id, score FROM ({' UNION '.join(parts)} ORDER BY score DESC OFFSET 0) AS documents_chunk"
    last, looked_up = (live, within) if scope.is_known else ("TRUE", ())
    return f"{matched} WHERE {last} ORDER BY score DESC LIMIT {int(limit)}", (*given, *looked_up)


def lexical_leg(scope: SearchScope, choice: Choice, limit: int) -> dict[int, float]:
    """Return the BM25 scores of the best chunks, by id."""
    if not choice.weighted:  # no word of the question occurs anywhere
        return {}
    return dict(scope.rows_of(lexical_statement(scope, choice, limit)))


def score_all(
    scope: SearchScope,
    chunk_ids: Collection[int],
    weighted: tuple[WeightedTerm, ...],
    space: EmbeddingSpace | None,
    vector: np.ndarray | None,
    *,
    by_words: Mapping[int, float] = NONE_KNOWN,
    near: Mapping[int, float] = NONE_KNOWN,
) -> dict[int, Scores]:
    """Return the exact scores of both legs for these chunks, by id; chunks out of scope are left out.

    Scores that the lexical leg (`by_words`) or the dense one (`near`) has found in the same snapshot are not computed
    again. The lexical leg finds only chunks within scope; the dense leg does not check that.
    """
    unread = [each for each in chunk_ids if each not in by_words]
    far = [] if space is None or vector is None else [each for each in chunk_ids if each not in near]
    lexical: dict[int, float | None] = {each: by_words[each] for each in chunk_ids if each in by_words}
    dense = {each: near[each] for each in chunk_ids if each in near}
    parts, given = [], []
    if unread:
        live, within = scope.live_chunks
        score, scored = bm25(weighted, scope.corpus.average_length) if weighted else ("NULL::float8", ())
        parts.append(f"SELECT TRUE, id, {score} FROM documents_chunk WHERE id = ANY (%s::bigint[]) AND {live}")
        given += [*scored, _array(unread), *within]
    if far and space is not None and vector is not None:
        parts.append(
            "SELECT FALSE, chunk_id, 1 - (vector <=> %s::halfvec) FROM documents_embedding"
            " WHERE space_id = %s AND chunk_id = ANY (%s::bigint[])"
        )
        given += [as_text(vector), space.pk, _array(far)]
    for is_lexical, chunk_id, value in scope.rows_of((" UNION ALL ".join(parts), tuple(given))) if parts else ():
        (lexical if is_lexical else dense)[chunk_id] = value
    return {chunk_id: Scores(score, dense.get(chunk_id)) for chunk_id, score in lexical.items()}


def load(scope: SearchScope, chunk_ids: Collection[int], terms: Collection[int] = ()) -> dict[int, Found]:
    """Return these chunks by id, each with those of the terms that it has.

    Chunks that left the scope since they were found are missing.
    """
    live, within = scope.live_chunks
    rows = scope.rows_of(
        (
            "SELECT documents_chunk.id, document_id, document.title, document.source, heading, page, borders::text,"
            ' start, "end", text, lexeme_count,'
            " ARRAY(SELECT term FROM unnest(%s::bigint[]) AS term WHERE term = ANY (terms))"
            " FROM documents_chunk JOIN documents_document AS document ON document.id = document_id"
            f" WHERE documents_chunk.id = ANY (%s::bigint[]) AND {live}",
            (_array(terms), _array(chunk_ids), *within),
        )
    )
    return {row[0]: Found(*(*row[:-1], frozenset(row[-1]))) for row in rows}


@contextmanager
def snapshot() -> Iterator[None]:
    """Run the block in one snapshot: its statements don't see what is committed meanwhile."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:  # in an outer transaction it is too late: this must be the first statement
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
