"""Generates the keyword index's rows of an artificial passage, from the numbers of its words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from django.db import connection

from documents.keywords.terms import LEVELS, configuration_for, seed_of
from documents.models import Corpus

_LEXEMES = """
SELECT place - 1, lexeme
FROM unnest(%s::text[]) WITH ORDINALITY AS given (word, place), unnest(to_tsvector(%s, word))
"""
_HASHES = """
SELECT array_agg(hashtextextended(lexeme, %s + kind)::text ORDER BY kind)
FROM unnest(%s::text[]) WITH ORDINALITY AS given (lexeme, place)
CROSS JOIN unnest(%s::int[]) AS kind
GROUP BY place
ORDER BY place
"""


class Terms:
    """The terms of a vocabulary in a corpus, read from Postgres once. Kinds as in documents/keywords/terms.py."""

    def __init__(self, corpus: Corpus, words: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_LEXEMES, [list(words), configuration_for(corpus.language)])
            lexeme_of: dict[int, str] = dict(cursor.fetchall())
            lexemes = sorted(set(lexeme_of.values()))
            kinds = [0, *(1 + 2 * level for level in range(1, len(LEVELS) + 1))]
            cursor.execute(_HASHES, [seed_of(corpus.pk), lexemes, kinds])
            self._hashes = np.array([row for (row,) in cursor.fetchall()], dtype=object)
        number_of = {lexeme: number for number, lexeme in enumerate(lexemes)}
        self._lexeme_of_word = np.array([number_of[lexeme_of[place]] for place in range(len(words))])

    def of(self, words: npt.NDArray[np.int64]) -> tuple[str, str, int]:
        """Return `terms`, `term_counts` and `lexeme_count` of a passage, as COPY reads them."""
        lexemes, counts = np.unique(self._lexeme_of_word[words], return_counts=True)
        often = counts >= LEVELS[0]
        levels = np.searchsorted(LEVELS, counts[often], side="right")
        terms = [*self._hashes[lexemes, 0].tolist(), *self._hashes[lexemes[often], levels].tolist()]
        return f"{{{','.join(terms)}}}", f"{{{','.join(map(str, counts.tolist()))}}}", int(counts.sum())
