"""Defines what a space's HNSW index stores: whole vectors, their first dimensions, or one bit per dimension.

The expression of the index and the one that a query orders by are both defined here: Postgres uses the index only when
they are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.db.models import F, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from pgvector.django import BitField, CosineDistance, HalfVectorField, HammingDistance
from psycopg import sql

from documents.models import EmbeddingSpace

BINARY = "binary"
NONE = "none"
RERANK_DEFAULT = 4  # candidates for each row that is asked for
RERANK_MAX = 100
HALFVEC_INDEX_MAX_DIMENSIONS = 4000  # pgvector's limits; longer vectors are searched exactly
BIT_INDEX_MAX_DIMENSIONS = 64000


@dataclass(frozen=True)
class IndexShape:
    """`first`: how many numbers of a vector the index sees. `binary`: only whether each is above 0.

    `rerank`: how many candidates are read from the index for each row that is asked for, and ordered by their whole
    vectors; 1: the index has whole vectors already.
    """

    dimensions: int
    first: int
    binary: bool
    rerank: int

    @property
    def is_whole(self) -> bool:
        """Return whether the index holds the vectors as they are."""
        return not self.binary and self.first == self.dimensions

    @property
    def is_indexable(self) -> bool:
        """Return whether pgvector can index so many numbers."""
        return self.first <= (BIT_INDEX_MAX_DIMENSIONS if self.binary else HALFVEC_INDEX_MAX_DIMENSIONS)

    def distance(self, vector: np.ndarray) -> Func:
        """Return the distance that the index orders by: the expression of `index_column`, as Django writes it."""
        shown = vector[: self.first]
        if not self.binary:
            return CosineDistance(Cast(self._column(), HalfVectorField(dimensions=self.first)), shown)
        bits = BitField(length=self.first)
        asked = Cast(Value(as_bits(shown)), bits)
        return HammingDistance(Cast(Func(self._column(), function="binary_quantize"), bits), asked)

    def index_column(self) -> sql.Composed:
        """Return what CREATE INDEX indexes: an expression, and how it is compared."""
        column = sql.SQL("vector")
        if self.first < self.dimensions:
            column = sql.SQL("subvector(vector, 1, {})").format(sql.Literal(self.first))  # type: ignore[assignment]
        if self.binary:
            template = "(binary_quantize({column})::bit({first})) bit_hamming_ops"
        else:
            template = "({column}::halfvec({first})) halfvec_cosine_ops"
        return sql.SQL(template).format(column=column, first=sql.Literal(self.first))

    def _column(self) -> Combinable:
        if self.first == self.dimensions:
            return F("vector")
        # A literal: with a parameter it would not be the expression of the index.
        return Func(F("vector"), template=f"subvector(%(expressions)s, 1, {self.first})")


def as_text(vector: np.ndarray) -> str:
    """Return a vector as pgvector reads it.

    Cached, because a question's vector is formatted for several statements, and that takes longer than running one.
    """
    return _text_of(vector.dtype.str, vector.tobytes())


@lru_cache(maxsize=64)
def _text_of(kind: str, numbers: bytes) -> str:
    values = np.frombuffer(numbers, dtype=kind).tolist()
    return f"[{_template(len(values)) % tuple(values)}]"


@lru_cache(maxsize=8)
def _template(length: int) -> str:
    # Nine digits preserve every float32. One template is three times as fast as formatting number by number.
    return ",".join(["%.9g"] * length)


def as_bits(vector: np.ndarray) -> str:
    """Return which numbers of a vector are above 0, as Postgres reads bits."""
    return "".join("1" if number > 0 else "0" for number in vector)


def shape_of(space: EmbeddingSpace) -> IndexShape:
    """Return the shape of the index of a space whose dimensions are known."""
    assert space.dimensions is not None, "nothing is stored yet"
    chosen = space.index_settings
    binary = chosen.get("quantise") == BINARY
    first = min(int(chosen.get("shorten_to") or space.dimensions), space.dimensions)
    is_whole = not binary and first == space.dimensions
    rerank = 1 if is_whole else max(1, min(int(chosen.get("rerank") or RERANK_DEFAULT), RERANK_MAX))
    return IndexShape(space.dimensions, first, binary, rerank)
