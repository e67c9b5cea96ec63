"""The dense leg of large corpora: enough rows, and the right ones, whatever share of the corpus is searched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from documents.access.policy import NOBODY
from documents.models import Chunk, Corpus, Document, EmbeddingSpace
from documents.search.keyword_search import load, score_all
from documents.search.search_scope import SearchScope, search_scope_of
from documents.search.vector_search import EF_SEARCH_MIN, dense_leg, dense_statement, exact_leg, index_statement
from documents.vectors.index_layout import shape_of
from documents.vectors.spaces import wants_index
from ragsite.postgres.compiled_queries import rows_of
from ragsite.postgres.limits import set_local
from tests.documents.search.clusters import DIMENSIONS, PARTS, clustered, make_clusters
from tests.documents.search.test_keyword_search import indexes_preferred, plan_of

pytestmark = pytest.mark.django_db(transaction=True)

CHUNKS = 3000
THRESHOLD = 300
# What is in the index, and the recall@10 that it must reach with any share of the corpus.
SHAPES: dict[str, tuple[dict[str, Any], float]] = {
    "whole": ({}, 0.95),
    "shortened": ({"shorten_to": 64}, 0.95),
    "binary": ({"quantise": "binary", "rerank": 60}, 0.75),
    "binary and shortened": ({"quantise": "binary", "shorten_to": 96, "rerank": 80}, 0.7),
}


@pytest.fixture(autouse=True)
def low_threshold(settings: Settings) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = THRESHOLD


@pytest.fixture
def large() -> tuple[Corpus, EmbeddingSpace]:
    return make_clusters(CHUNKS)


def recall(scope: SearchScope, space: EmbeddingSpace, questions: np.ndarray, limit: int) -> float:
    """Return the recall@limit of the leg, and check that it never gives too few rows."""
    shares = []
    for asked in questions:
        with transaction.atomic():
            right = exact_leg(scope, space, asked, limit)
            found = dense_leg(scope, space, asked, limit)
        assert len(found) == len(right)
        shares.append(len(found.keys() & right.keys()) / len(right))
    return float(np.mean(shares))


def first_documents(corpus: Corpus, chunks: int) -> SearchScope:
    """Return the part of a corpus that has so many chunks."""
    return search_scope_of(corpus, NOBODY, {"metadata": {f"first_{chunks}": True}})


@pytest.mark.parametrize("name", SHAPES)
def test_any_share_gives_all_rows_and_the_right_ones(name: str) -> None:
    index_settings, least = SHAPES[name]
    corpus, space = make_clusters(CHUNKS, **index_settings)
    questions = clustered(20, seed=8)
    for chunks in PARTS:
        scope = first_documents(corpus, chunks)
        assert scope.is_small is (chunks <= THRESHOLD)
        assert recall(scope, space, questions, 10) >= (1.0 if scope.is_small else least), chunks
    everything = search_scope_of(corpus, NOBODY)
    assert recall(everything, space, questions[:3], 400) >= least
    with indexes_preferred():
        assert space.index_name in plan_of(dense_statement(everything, space, questions[0], 10))
        with transaction.atomic():
            found = dense_leg(everything, space, questions[0], 10)
    exact = exact_leg(everything, space, questions[0], CHUNKS)
    assert all(found[pk] == pytest.approx(exact[pk], abs=1e-5) for pk in found)  # similarities, not guesses


def test_an_index_that_gives_up_early_is_not_believed(large: tuple[Corpus, EmbeddingSpace]) -> None:
    corpus, space = large
    scope = first_documents(corpus, THRESHOLD + 10)
    asked = clustered(1, seed=10)[0]
    with indexes_preferred(), transaction.atomic():
        set_local({"hnsw.max_scan_tuples": "1", "hnsw.iterative_scan": "relaxed_order"})
        assert len(rows_of(index_statement(scope, space, asked, 200))) < 200
        found = dense_leg(scope, space, asked, 200)
    assert len(found) == 200
    assert min(found.values()) == pytest.approx(min(exact_leg(scope, space, asked, 200).values()))


def test_deleted_neighbours_do_not_take_the_place_of_others(large: tuple[Corpus, EmbeddingSpace]) -> None:
    corpus, space = large
    asked = clustered(1, seed=11)[0]
    scope = search_scope_of(corpus, NOBODY)
    with connection.cursor() as cursor:
        nearest = list(exact_leg(scope, space, asked, 60))
        cursor.execute("DELETE FROM documents_embedding WHERE chunk_id = ANY (%s)", [nearest])
    with indexes_preferred():
        assert recall(scope, space, np.stack([asked]), 50) >= 0.7  # `recall` checks the number of rows


def test_the_scan_is_as_wide_as_what_is_asked_for() -> None:
    corpus, space = make_clusters(400, quantise="binary", rerank=4)
    asked = clustered(1)[0]
    for limit, settings_of_space, expected in (
        (10, {"rerank": 4}, EF_SEARCH_MIN),
        (240, {"rerank": 4}, 960),
        (300, {"rerank": 8}, 1000),  # pgvector's limit
        (10, {"ef_search": 77}, 77),
    ):
        space.index_settings = {"quantise": "binary", **settings_of_space}
        with transaction.atomic(), connection.cursor() as cursor:
            dense_leg(search_scope_of(corpus, NOBODY), space, asked, limit)
            cursor.execute("SELECT current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')")
            assert cursor.fetchone() == (str(expected), "relaxed_order")


@pytest.mark.parametrize(
    ("dimensions", "settings_", "expected"),
    [
        (768, {}, (768, False, 1, True)),
        (768, {"quantise": "none"}, (768, False, 1, True)),
        (768, {"rerank": 9}, (768, False, 1, True)),  # nothing to rerank: the index has it all
        (768, {"shorten_to": 256}, (256, False, 4, True)),
        (768, {"shorten_to": 1024}, (768, False, 1, True)),
        (768, {"quantise": "binary", "rerank": 1000}, (768, True, 100, True)),
        (4096, {}, (4096, False, 1, False)),  # more than pgvector indexes
        (4096, {"shorten_to": 1024}, (1024, False, 4, True)),
        (4096, {"quantise": "binary"}, (4096, True, 4, True)),
    ],
)
def test_the_shape_of_an_index_follows_its_settings(
    dimensions: int, settings_: dict[str, Any], expected: tuple[int, bool, int, bool]
) -> None:
    space = EmbeddingSpace(provider="ollama", model="m", dimensions=dimensions, index_settings=settings_)
    shape = shape_of(space)
    assert (shape.first, shape.binary, shape.rerank, shape.is_indexable) == expected
    if not shape.is_indexable:
        assert not wants_index(space)


def test_the_questions_of_these_tests_are_not_stored_vectors() -> None:
    assert clustered(3, seed=8).shape == (3, DIMENSIONS)
    assert not np.allclose(clustered(3, seed=8), clustered(3))


def test_what_may_not_be_read_does_not_take_the_place_of_others(settings: Settings) -> None:
    corpus, space = make_clusters(200)
    asked = clustered(1, seed=12)[0]
    everything = exact_leg(search_scope_of(corpus, NOBODY), space, asked, 200)
    assert len(everything) == 200
    nearest = Chunk.objects.filter(pk__in=list(everything)[:20]).values("document")
    Document.objects.filter(pk__in=nearest).update(deleted_at=timezone.now())
    kept = set(Chunk.objects.filter(document__deleted_at=None).values_list("pk", flat=True))
    right = [pk for pk in everything if pk in kept][:30]
    assert len(right) == 30
    for filters in (None, {"language": "en"}):  # looked up last, and first
        scope = search_scope_of(corpus, NOBODY, filters)
        assert scope.is_small
        assert list(exact_leg(scope, space, asked, 30)) == right
    settings.EXACT_SCAN_MAX_CHUNKS = 0
    assert list(exact_leg(search_scope_of(corpus, NOBODY), space, asked, 30)) == right


def test_a_small_corpus_beside_a_large_one_of_the_same_vectors_gives_all_that_it_has() -> None:
    sizes = (20, 310, CHUNKS)  # looked at one by one, in an index of its own, and in a large one
    stocked = [make_clusters(size) for size in sizes]
    for (corpus, space), size in zip(stocked, sizes, strict=True):
        scope = search_scope_of(corpus, NOBODY)
        assert scope.is_small is (size <= THRESHOLD)
        with indexes_preferred():
            assert recall(scope, space, clustered(10, seed=8), 10) >= 0.95
            with transaction.atomic():
                found = dense_leg(scope, space, clustered(1, seed=8)[0], 100)
        assert len(found) == min(100, size)
        owners = Chunk.objects.filter(pk__in=found).values_list("document__corpus", flat=True)
        assert set(owners) == {corpus.pk}


def test_a_filter_that_is_asked_for_often_is_planned_for_what_it_leaves(large: tuple[Corpus, EmbeddingSpace]) -> None:
    corpus, space = large
    filtered, everything = first_documents(corpus, CHUNKS), search_scope_of(corpus, NOBODY)
    assert not filtered.is_small
    for scope in (filtered, everything):
        for asked in clustered(10, seed=8):
            with transaction.atomic():
                found = dense_leg(scope, space, asked, 10)
                score_all(scope, list(found), (), space, asked)
                load(scope, list(found))
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = [statement for (statement,) in cursor.fetchall()]
    assert not any("metadata" in statement for statement in kept)
    assert any(f'"space_id" = {space.pk}' in statement for statement in kept)  # what has no filter is kept
