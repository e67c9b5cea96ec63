from __future__ import annotations

import numpy as np
import pytest

from documents.models import Corpus, EmbeddingSpace
from documents.reindexing import closeness
from documents.reindexing.closeness import Closeness, closeness_of, keep_closeness, measure_closeness
from documents.vectors.spaces import live_space_of
from ragsite.errors import OllamaUnavailable
from tests.factories import make_corpus
from tests.stock import stock

SUBJECTS = ("cats", "taxes", "rockets", "gardens", "violins", "bridges", "cheese", "volcanoes", "trains", "chess")


@pytest.fixture
def corpus(db: None) -> Corpus:
    corpus = make_corpus(is_public=True)
    for subject in SUBJECTS:
        stock(corpus, f"This page is about {subject}. All {subject} need much care. Ask an expert.", title=subject)
    corpus.refresh_from_db()
    return corpus


def test_a_sentence_is_nearer_to_its_own_chunk_than_to_others(corpus: Corpus) -> None:
    measured = measure_closeness(live_space_of(corpus))
    assert measured is not None
    assert measured.right > measured.wrong + 0.1
    assert measured.separation > 0.5
    assert (measured.sentences, measured.chunks) == (10, 10)


def test_closeness_has_the_same_scale_whatever_the_model_gives() -> None:
    flat = Closeness(right=0.90, wrong=0.80, separation=1.0, sentences=80, chunks=100)
    steep = Closeness(right=0.70, wrong=0.30, separation=1.0, sentences=80, chunks=100)
    assert flat.of(0.90) == pytest.approx(steep.of(0.70)) == pytest.approx(1.0)
    assert flat.of(0.80) == pytest.approx(steep.of(0.30)) == pytest.approx(0.0)


def test_a_model_that_tells_nothing_apart_says_little() -> None:
    assert Closeness(0.9, 0.8, separation=0.0, sentences=80, chunks=100).of(0.95) == 0.0


def test_what_was_measured_is_kept_until_the_corpus_has_doubled(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = live_space_of(corpus)
    keep_closeness(space, corpus.chunk_count)
    kept = closeness_of(EmbeddingSpace.objects.get(pk=space.pk))
    assert kept is not None
    assert kept == closeness_of(space)
    calls: list[int] = []
    monkeypatch.setattr(closeness, "measure_closeness", lambda space: calls.append(1))
    keep_closeness(space, corpus.chunk_count + 5)
    assert not calls
    keep_closeness(space, 2 * corpus.chunk_count)
    assert calls


def test_what_else_is_known_of_a_space_stays(corpus: Corpus) -> None:
    space = live_space_of(corpus)
    EmbeddingSpace.objects.filter(pk=space.pk).update(measured={"recall": 0.9})
    keep_closeness(space, corpus.chunk_count)
    assert set(EmbeddingSpace.objects.get(pk=space.pk).measured) == {"recall", "closeness"}


def test_a_corpus_of_a_few_chunks_is_not_measured(db: None) -> None:
    corpus = make_corpus(is_public=True)
    stock(corpus, "One page about cats.")
    corpus.refresh_from_db()
    space = live_space_of(corpus)
    keep_closeness(space, corpus.chunk_count)
    assert closeness_of(space) is None
    assert measure_closeness(space) is None


def test_a_model_that_is_away_is_asked_another_time(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> np.ndarray:
        raise OllamaUnavailable

    space = live_space_of(corpus)
    monkeypatch.setattr(closeness, "embed_questions", away)
    keep_closeness(space, corpus.chunk_count)
    assert closeness_of(space) is None


@pytest.mark.parametrize("kept", [None, "nonsense", {"right": 1}, {"right": 1, "of_a_later_version": 2}])
def test_what_another_version_kept_is_not_taken_for_ours(kept: object) -> None:
    assert closeness_of(EmbeddingSpace(measured={"closeness": kept})) is None
    assert closeness_of(None) is None
