"""Documents that are added, changed or deleted while a second space is built and promoted are neither lost nor kept."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from documents.indexing import versions
from documents.indexing.pipeline import index_document
from documents.indexing.versions import SpaceChanged
from documents.models import Corpus, Document, Embedding, EmbeddingSpace
from documents.reindexing import promotion as reindexing_promotion
from documents.reindexing.backfill import SpaceGone, fill
from documents.reindexing.pipeline import Plan, reindex
from documents.reindexing.promotion import switch
from documents.reindexing.target import SpaceRequest
from documents.storage.deletion import delete_corpus, delete_document
from documents.uploads.acceptance import replace_file
from documents.vectors.embedding import embed_passages
from documents.vectors.spaces import live_space_of
from ragsite.deadline import Deadline
from ragsite.errors import InvalidInput
from tests.documents.reindexing.second_space import HALF, Embedder, corpus, embedder, is_complete, vectors_in
from tests.stock import stock
from tests.uploads import make_text, upload

__all__ = ["corpus", "embedder"]
pytestmark = pytest.mark.django_db(transaction=True)


def change_a_lot(corpus: Corpus) -> Callable[[], None]:
    """Return what adds one document, replaces one and deletes one, the first time it is called."""
    kept = upload(corpus, make_text(3, seed=1), name="kept.txt")
    gone = upload(corpus, make_text(3, seed=2), name="gone.txt")
    for document in (kept, gone):
        assert index_document(document.pk) == "ready"
    done: list[int] = []

    def change() -> None:
        if done:
            return
        done.append(1)
        delete_document(gone)
        assert index_document(upload(corpus, make_text(4, seed=3), name="new.txt").pk) == "ready"
        replace_file(kept, file=io.BytesIO(make_text(5, seed=4).encode()))
        assert index_document(kept.pk) == "ready"

    return change


@pytest.mark.parametrize("moment", ["embedding", "caught_up", "resting"])
def test_documents_that_come_change_and_go_meanwhile_are_all_there_after_it(
    moment: str, corpus: Corpus, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = change_a_lot(corpus)
    if moment == "embedding":
        embedder.during = lambda: change() if embedder.calls == 3 else None  # while its own chunks are embedded
    elif moment == "caught_up":  # after the last look, before the lock
        monkeypatch.setattr(reindexing_promotion, "checkpoint", lambda name: change() if name == "caught_up" else None)
    else:
        reindex(corpus, Plan(HALF))
        change()
    before = live_space_of(corpus)
    assert reindex(corpus, Plan(HALF, promote=True)).result == "promoted"
    assert live_space_of(corpus) != before
    assert Document.objects.filter(corpus=corpus, deleted_at=None, status="ready").count() == 6
    assert is_complete(corpus)
    assert set(Embedding.objects.values_list("chunk__document__deleted_at", flat=True)) == {None}


def test_a_document_that_was_embedded_for_the_old_space_is_embedded_anew(
    corpus: Corpus, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = upload(corpus, make_text(3))
    reindex(corpus, Plan(HALF))

    def promote_meanwhile(space: EmbeddingSpace, texts: Sequence[str], *, deadline: Deadline) -> np.ndarray:
        if space.dimensions == 256:
            assert reindex(corpus, Plan(HALF, promote=True)).result == "promoted"
        return embed_passages(space, texts, deadline=deadline)

    monkeypatch.setattr(versions, "embed_passages", promote_meanwhile)
    with pytest.raises(SpaceChanged):
        index_document(document.pk)
    assert index_document(document.pk) == "ready"
    assert is_complete(corpus)


def test_deleting_a_document_deletes_its_vectors_in_every_space(corpus: Corpus, embedder: Embedder) -> None:
    reindex(corpus, Plan(HALF, promote=True))
    reindex(corpus, Plan(SpaceRequest(dimensions=64)))
    assert {space.status for space in corpus.spaces.all()} == {"live", "retired", "shadow"}
    document = corpus.documents.first()
    assert document is not None
    delete_document(document)
    assert [vectors_in(space) for space in corpus.spaces.all()] == [30, 30, 30]
    assert not Embedding.objects.filter(document=document).exists()


def test_a_corpus_that_is_deleted_meanwhile_ends_it(corpus: Corpus, embedder: Embedder) -> None:
    space = EmbeddingSpace.objects.create(corpus=corpus, provider="embedded", model="wordllama", dimensions=256)
    embedder.during = lambda: delete_corpus(corpus)
    with pytest.raises(SpaceGone):
        fill(space)
    with pytest.raises(SpaceGone):
        switch(space)
    assert not Embedding.objects.exists()


def test_documents_that_come_faster_than_they_are_caught_up_end_it(
    corpus: Corpus, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = reindex(corpus, Plan(HALF)).space
    monkeypatch.setattr(reindexing_promotion, "CATCH_UPS_MAX", 2)
    monkeypatch.setattr(reindexing_promotion, "checkpoint", lambda name: stock(corpus, f"one more {embedder.calls}"))
    with pytest.raises(InvalidInput, match="faster"):
        switch(space)
    assert live_space_of(corpus).dimensions == 256
