"""Compiled templates return the same rows as the ORM's queries, for every vector and condition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from pgvector.django import CosineDistance

from documents.models import Embedding, EmbeddingSpace
from documents.search.vector_sql import _made_of, _templates, exact_rows, index_rows
from documents.vectors.index_layout import shape_of
from ragsite.postgres.compiled_queries import Compiled, rows_of
from tests.documents.search.clusters import clustered, make_clusters

pytestmark = pytest.mark.django_db(transaction=True)
ALL: Compiled = ("TRUE", ())


@pytest.mark.parametrize(
    "settings_of_index", [{}, {"shorten_to": 64}, {"quantise": "binary"}, {"quantise": "binary", "shorten_to": 96}]
)
def test_every_vector_gets_the_rows_that_the_orm_finds(settings_of_index: dict[str, Any]) -> None:
    _, space = make_clusters(60, **settings_of_index)
    for vector in clustered(3):
        rows = Embedding.objects.filter(space=space).annotate(distance=CosineDistance("vector", vector))
        expected = list(rows.order_by("distance").values_list("chunk_id", "document_id", "distance")[:7])
        assert rows_of(exact_rows(space, ALL, vector, 7)) == expected
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            assert rows_of(index_rows(space, ALL, vector, 7)) == expected


def test_the_condition_gets_its_own_values() -> None:
    _, space = make_clusters(60)
    vector = clustered(1)[0]
    every = [row[0] for row in rows_of(exact_rows(space, ALL, vector, None))]
    wanted = sorted(every)[10:20]
    condition: Compiled = ("chunk_id = ANY (%s::bigint[]) AND chunk_id > %s", (wanted, wanted[0]))
    for query in (exact_rows, index_rows):
        found = [row[0] for row in rows_of(query(space, condition, vector, 60))]
        assert found == [each for each in every if each in wanted[1:]]


def test_it_is_written_once_per_space_shape_and_number_of_rows() -> None:
    _, space = make_clusters(60)
    _, other = make_clusters(60)
    _templates.clear()
    for asked, limit in ((space, 5), (space, 5), (other, 5), (space, 6)):
        for vector in clustered(2):
            sql, _ = exact_rows(asked, ALL, vector, limit)
            assert f'"space_id" = {asked.pk}' in sql  # a kept plan is a plan for this space
            assert sql.endswith(f"LIMIT {limit}")
    assert len(_templates) == 3
    space.index_settings = {"quantise": "binary"}
    index_rows(space, ALL, clustered(1)[0], 5)
    assert len(_templates) == 4


def test_a_query_without_room_for_a_condition_is_a_mistake() -> None:
    _, space = make_clusters(60)
    rows = Embedding.objects.filter(space=space).values_list("chunk_id")
    with pytest.raises(AssertionError, match="no room"):
        _made_of(rows, space, shape_of(space))


def test_zeros_are_a_vector_like_any_other() -> None:
    _, space = make_clusters(60)
    assert isinstance(space, EmbeddingSpace)
    assert space.dimensions is not None
    rows = rows_of(exact_rows(space, ALL, np.zeros(space.dimensions, dtype=np.float32), 3))
    assert len(rows) == 3
