"""The search quality of a space, measured on questions made from the corpus."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from documents.models import Chunk, Corpus, EmbeddingSpace
from documents.reindexing import comparison as reindexing_comparison
from documents.reindexing.comparison import Comparison, Quality, compare, known_items
from documents.reindexing.index_recall import measure_recall
from documents.reindexing.pipeline import Plan, reindex
from documents.vectors.spaces import live_space_of
from tests.documents.reindexing.second_space import Embedder, corpus, embedder
from tests.documents.search.clusters import make_clusters
from tests.factories import make_corpus
from tests.stock import stock

__all__ = ["corpus", "embedder"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_recall_is_measured_against_looking_at_every_vector(settings: Settings) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 100
    _, whole = make_clusters(2000)
    measured = measure_recall(whole, sample=40)
    assert (measured["sample"], measured["chunks"], measured["method"]) == (40, 2000, "index")
    assert measured["recall_at_10"] >= 0.95
    _, coarse = make_clusters(2000, quantise="binary", shorten_to=8, rerank=1)
    assert measure_recall(coarse, sample=40)["recall_at_10"] < 0.8
    settings.EXACT_SCAN_MAX_CHUNKS = 10_000
    exact = measure_recall(coarse, sample=40)
    assert (exact["sample"], exact["chunks"], exact["method"], exact["recall_at_10"]) == (40, 2000, "exact", 1.0)
    assert measure_recall(live_space_of(make_corpus()))["recall_at_10"] is None


def test_questions_have_known_answers(corpus: Corpus) -> None:
    stock(corpus, "Twice the same sentence.", "Twice the same sentence.", title="Copies")
    items = known_items(corpus, 500)
    assert len(items) == 42
    assert items == known_items(corpus, 500)
    copies = [item for item in items if item.question == "Twice the same sentence."]
    assert [len(item.right) for item in copies] == [2, 2]
    assert all("Nothing else" not in item.question and "In the year" not in item.question for item in items[:5])


def test_a_heading_is_a_question_for_what_is_below_it(corpus: Corpus) -> None:
    Chunk.objects.update(heading="Guide > Holidays and leave")
    items = [item for item in known_items(corpus, 40) if item.question == "Holidays and leave"]
    assert len(items) == 10  # every fourth
    assert all(len(item.right) == 40 for item in items)


def test_a_space_compared_with_itself_is_as_good(corpus: Corpus, embedder: Embedder) -> None:
    live = live_space_of(corpus)
    same = reindex(corpus, Plan(force=True)).space
    comparison = compare(live, same, questions=20)
    assert comparison is not None
    assert comparison.live == comparison.new
    assert comparison.overlap_at_10 == 1.0
    assert not comparison.is_worse


@pytest.mark.parametrize(
    ("live", "new", "is_worse"),
    [
        ((0.9, 0.8), (0.9, 0.8), False),
        ((0.9, 0.8), (0.88, 0.78), False),  # within the margin
        ((0.9, 0.8), (0.86, 0.8), True),
        ((0.9, 0.8), (0.95, 0.7), True),  # found, but further down
    ],
)
def test_worse_is_more_than_the_margin_in_either_figure(
    live: tuple[float, float], new: tuple[float, float], is_worse: bool
) -> None:
    made = Comparison(500, Quality(*live), Quality(*new), Quality(0.0, 0.0), 1.0, reindexing_comparison.MARGIN, "")
    assert made.is_worse is is_worse


def test_a_space_without_vectors_is_measured_as_nothing(corpus: Corpus) -> None:
    empty = EmbeddingSpace.objects.create(corpus=corpus, provider="ollama", model="new", dimensions=8)
    assert measure_recall(empty)["recall_at_10"] is None
