"""A second space beside the live one: built, compared, promoted, rolled back and dropped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.db import connection
from pytest_django import Settings

from documents.indexing.attempts import Interrupted
from documents.indexing.pipeline import index_document
from documents.indexing.queue import reindex_document
from documents.models import Chunk, Corpus, Document, Embedding, EmbeddingSpace
from documents.reindexing.coverage import coverage_of
from documents.reindexing.pipeline import Outcome, Plan, Watching, drop, promote, reindex, roll_back
from documents.reindexing.promotion import AloneWith
from documents.reindexing.target import SpaceRequest, retired, unfinished
from documents.storage.bulk_insert import content_hash
from documents.vectors.spaces import has_index, live_space_of
from monitoring.lab.ollama_simulator.running import StandIn
from ragsite.errors import InvalidInput, OllamaUnavailable
from tests.documents.reindexing.second_space import BATCH, HALF, Embedder, corpus, embedder, is_complete, vectors_in
from tests.factories import make_corpus
from tests.uploads import make_text, upload

__all__ = ["corpus", "embedder"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_space_is_built_beside_the_live_one_compared_and_promoted(corpus: Corpus, embedder: Embedder) -> None:
    before = live_space_of(corpus)
    epoch = corpus.epoch
    built = reindex(corpus, Plan(HALF))
    assert (built.result, built.space.status, built.space.dimensions) == ("shadow", "shadow", 128)
    assert live_space_of(corpus) == before
    corpus.refresh_from_db()
    assert corpus.epoch == epoch
    assert built.comparison is not None
    assert built.comparison.questions == 40
    assert built.comparison.live.recall_at_10 > 0.9
    assert 0 < built.comparison.overlap_at_10 < 1
    assert built.space.measured["recall"]["recall_at_10"] == 1.0
    assert len(embedder.texts) == 40

    promoted = reindex(corpus, Plan(HALF, promote=True))
    assert promoted.result == "promoted"
    assert len(embedder.texts) == 40  # what was there is not made again
    assert live_space_of(corpus) == built.space
    corpus.refresh_from_db()
    assert corpus.epoch == epoch + 1
    before.refresh_from_db()
    assert before.status == "retired"
    assert vectors_in(before) == vectors_in(built.space) == 40


def test_what_is_embedded_is_what_indexing_embeds(embedder: Embedder) -> None:
    corpus = make_corpus()
    document = upload(
        corpus, "# Pay\n\nIt is fair.\n\n## Holidays\n\n" + make_text(9), name="handbook.md", title="Company handbook"
    )
    assert index_document(document.pk) == "ready"
    reindex(corpus, Plan(HALF))
    known = set(Chunk.objects.values_list("content_hash", flat=True))
    assert {content_hash(text) for text in embedder.texts} == known
    assert "Holidays" in "".join(embedder.texts)


def test_nothing_is_done_where_nothing_would_change(corpus: Corpus, embedder: Embedder) -> None:
    assert reindex(corpus, Plan()).result == "unchanged"
    assert reindex(corpus, Plan(SpaceRequest(model="wordllama"))).result == "unchanged"
    assert corpus.spaces.count() == 1
    forced = reindex(corpus, Plan(force=True, promote=True))
    assert forced.result == "promoted"
    assert len(embedder.texts) == 40
    assert corpus.spaces.count() == 2


def test_another_index_over_the_same_vectors_embeds_nothing(
    corpus: Corpus, embedder: Embedder, settings: Settings
) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 20
    live = live_space_of(corpus)
    outcome = reindex(corpus, Plan(SpaceRequest(quantise="binary", rerank=8), promote=True, force=True))
    assert embedder.texts == []
    assert outcome.space.index_settings == {"quantise": "binary", "rerank": 8}
    assert has_index(outcome.space)
    vectors = [
        dict(Embedding.objects.filter(space=space).values_list("chunk_id", "vector")) for space in (live, outcome.space)
    ]
    assert vectors[0] == vectors[1]
    assert outcome.space.measured["recall"]["method"] == "index"


def test_a_worse_space_is_refused_with_the_figures_unless_forced(corpus: Corpus, embedder: Embedder) -> None:
    live = live_space_of(corpus)
    embedder.is_nonsense = True
    refused = reindex(corpus, Plan(HALF, promote=True))
    assert (refused.result, refused.is_good) == ("refused", False)
    assert refused.comparison is not None
    assert refused.comparison.is_worse
    assert refused.comparison.live.recall_at_10 - refused.comparison.new.recall_at_10 > refused.comparison.margin
    assert live_space_of(corpus) == live
    refused.space.refresh_from_db()
    assert refused.space.status == "shadow"
    assert refused.space.measured["comparison"]["is_worse"] is True
    assert reindex(corpus, Plan(HALF, promote=True, margin=1.0)).result == "promoted"
    assert live_space_of(corpus) == refused.space


def test_a_space_that_can_not_be_compared_is_refused_unless_forced(
    corpus: Corpus, embedder: Embedder, settings: Settings
) -> None:
    settings.OLLAMA_BASE_URLS = ["http://127.0.0.1:9"]  # the old model's server is gone for good
    live = live_space_of(corpus)
    EmbeddingSpace.objects.filter(pk=live.pk).update(provider="ollama", model="gone")
    refused = reindex(corpus, Plan(SpaceRequest(provider="embedded"), promote=True))
    assert (refused.result, refused.comparison) == ("refused", None)
    assert "could not be compared" in refused.why
    assert reindex(corpus, Plan(SpaceRequest(provider="embedded"), promote=True, force=True)).result == "promoted"


def test_an_empty_corpus_gets_another_model_at_once(embedder: Embedder) -> None:
    corpus = make_corpus()
    assert reindex(corpus, Plan(HALF, promote=True)).result == "promoted"
    assert live_space_of(corpus).dimensions == 128


def test_a_stop_loses_no_batch_and_the_next_run_goes_on(corpus: Corpus, embedder: Embedder) -> None:
    class Impatient(Watching):
        def keep_going(self) -> bool:
            return embedder.calls < 2

    with pytest.raises(Interrupted):
        reindex(corpus, Plan(HALF), Impatient())
    (space,) = unfinished(corpus)
    assert space.status == "building"
    assert vectors_in(space) == len(embedder.texts) == 2 * BATCH
    assert reindex(corpus, Plan()).space == space  # nothing said: goes on with what was begun
    assert len(embedder.texts) == 40


def test_a_model_that_is_away_for_a_moment_is_waited_for(corpus: Corpus, embedder: Embedder) -> None:
    embedder.failures = [OllamaUnavailable()]
    assert reindex(corpus, Plan(HALF)).result == "shadow"
    assert len(embedder.texts) == 40
    embedder.failures = [OllamaUnavailable() for _ in range(2)]
    with pytest.raises(OllamaUnavailable):
        reindex(corpus, Plan(SpaceRequest(dimensions=64)))


def test_rolling_back_brings_the_space_before_with_all_that_came_since(corpus: Corpus, embedder: Embedder) -> None:
    before = live_space_of(corpus)
    with pytest.raises(InvalidInput):
        roll_back(corpus)
    reindex(corpus, Plan(HALF, promote=True))
    assert index_document(upload(corpus, make_text(3)).pk) == "ready"
    reindex_document(corpus.documents.order_by("created_at").last() or Document())
    epoch = Corpus.objects.get(pk=corpus.pk).epoch
    assert roll_back(corpus).result == "rolled_back"
    assert live_space_of(corpus) == before
    assert is_complete(corpus)
    assert corpus.epoch == epoch + 1
    assert roll_back(corpus).space.dimensions == 128  # and forth


def test_rolling_back_needs_an_index_only_once(corpus: Corpus, embedder: Embedder, settings: Settings) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = 20
    before = live_space_of(corpus)
    reindex(corpus, Plan(HALF, promote=True))
    assert not has_index(before)
    roll_back(corpus)
    assert has_index(before)
    (after,) = retired(corpus)
    assert has_index(after)  # the way forth stays short
    drop(corpus, [after])
    assert after.index_name not in existing_indexes()
    assert not Embedding.objects.filter(space_id=after.pk).exists()
    assert list(corpus.spaces.all()) == [before]


def existing_indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'documents_embedding'")
        return {name for (name,) in cursor.fetchall()}


def test_the_live_space_is_never_dropped(corpus: Corpus, embedder: Embedder) -> None:
    with pytest.raises(InvalidInput):
        drop(corpus, [live_space_of(corpus)])
    assert is_complete(corpus)


def test_one_process_at_a_time_changes_the_spaces_of_a_corpus(corpus: Corpus, embedder: Embedder) -> None:
    with AloneWith(corpus):
        with pytest.raises(InvalidInput, match="another process"):
            reindex(corpus, Plan(HALF))
        with pytest.raises(InvalidInput, match="another process"):
            roll_back(corpus)
        with AloneWith(make_corpus()):
            pass
    assert reindex(corpus, Plan(HALF)).result == "shadow"


def test_several_unfinished_spaces_must_be_named(corpus: Corpus, embedder: Embedder) -> None:
    first = reindex(corpus, Plan(HALF)).space
    second = reindex(corpus, Plan(SpaceRequest(dimensions=64))).space
    with pytest.raises(InvalidInput, match="unfinished"):
        reindex(corpus, Plan(promote=True))
    assert reindex(corpus, Plan(SpaceRequest(dimensions=64), promote=True)).space == second
    assert unfinished(corpus) == [first]
    with pytest.raises(InvalidInput):
        promote(second, Plan())
    assert promote(first, Plan(promote=True)).result == "promoted"


@pytest.fixture
def server(settings: Settings) -> Iterator[StandIn]:
    with StandIn(models=["nomic-embed-text", "bge-m3"]) as server:
        settings.OLLAMA_BASE_URLS = [server.url]
        settings.EMBED_MODEL = "bge-m3"
        yield server


def test_the_configured_model_is_taken_when_none_is_named(server: StandIn, corpus: Corpus, settings: Settings) -> None:
    outcome: Outcome = reindex(corpus, Plan(promote=True, force=True))
    assert (outcome.space.provider, outcome.space.model, outcome.space.dimensions) == ("ollama", "bge-m3", 1024)
    assert coverage_of(outcome.space).is_complete
    assert reindex(corpus, Plan()).result == "unchanged"
    shortened = reindex(corpus, Plan(SpaceRequest(model="nomic-embed-text", dimensions=256))).space
    assert shortened.dimensions == 256
    row = Embedding.objects.filter(space=shortened).values_list("vector", flat=True).first()
    assert row is not None
    assert np.linalg.norm(np.asarray(row)) == pytest.approx(1.0, abs=1e-3)
