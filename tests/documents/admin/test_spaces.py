"""The admin of embedding spaces: what they cost and find, and who may have them switched."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import JobAborted

from documents import space_jobs
from documents.models import Corpus, Embedding, EmbeddingSpace
from documents.reindexing.pipeline import Plan, reindex
from documents.reindexing.target import SpaceRequest
from documents.space_jobs import enqueue_space_work, space_work
from documents.vectors.spaces import live_space_of
from tests.documents.admin.cast import World, editor, manager, page, reader, superuser, world
from tests.documents.reindexing.second_space import corpus, embedder
from tests.uploads import waiting_jobs
from tests.workers import run_worker

__all__ = ["corpus", "editor", "embedder", "manager", "reader", "superuser", "world"]
pytestmark = pytest.mark.django_db(transaction=True)
LIST = "documents/embeddingspace/"


class Context:
    """A worker's context that never asks to stop, or always."""

    def __init__(self, *, stop: bool = False) -> None:
        self.stop = stop

    def should_abort(self) -> bool:
        return self.stop


def spaces_of(corpus: Corpus, *statuses: str) -> list[EmbeddingSpace]:
    return [
        EmbeddingSpace.objects.create(
            corpus=corpus, provider="ollama", model=f"model-{status}", dimensions=8, status=status
        )
        for status in statuses
    ]


def order(client: Client, action: str, *spaces: EmbeddingSpace) -> str:
    return page(client, LIST, action=action, _selected_action=[space.pk for space in spaces])


def work(space: EmbeddingSpace, action: str, **context: Any) -> str:
    """Let a worker do it, and return what it noted."""
    space_work(Context(**context), space_id=space.pk, action=action)  # type: ignore[arg-type]
    space.refresh_from_db()
    return str(space.measured["last"]["result"])


def test_the_list_says_what_a_space_costs_and_finds(world: World, manager: Client) -> None:
    space = live_space_of(world.corpus)
    recall = {"recall_at_10": 0.912, "sample": 200, "chunks": 9, "method": "index", "at": "2026-01-02T03:04:05"}
    space.measured = {"recall": recall}
    space.index_settings = {"quantise": "binary", "rerank": 8, "shorten_to": 128}
    space.save()
    html = page(manager, LIST)
    for text in ("1 for 1 chunks", "0.912 (200 questions, 9 chunks, index, 2026-01-02)", "indexed by the first 128"):
        assert text in html
    html = page(manager, f"{LIST}{space.pk}/change/")
    for text in ("1 of 1", "exact, 0", "quantise", "not compared"):
        assert text in html


def test_managers_order_and_nobody_else(
    world: World, reader: Client, editor: Client, manager: Client, superuser: Client
) -> None:
    shadow, retired = spaces_of(world.corpus, "shadow", "retired")
    theirs = spaces_of(world.their_corpus, "shadow")[0]
    for client in (reader, editor):
        for action in ("measure", "promote", "roll_back", "drop"):
            order(client, action, shadow, retired)
    order(manager, "promote", theirs)
    assert not ProcrastinateJob.objects.exists()
    assert "1 of 2 selected spaces" in order(manager, "promote", shadow, retired)
    assert "1 of 2 selected spaces" in order(manager, "drop", shadow, retired)
    assert "1 of 1 selected spaces" in order(manager, "roll_back", retired)
    assert "2 of 2 selected spaces" in order(superuser, "measure", shadow, theirs)
    asked = sorted((job.args["space_id"], job.args["action"]) for job in waiting_jobs())
    expected = [(shadow.pk, "promote"), (retired.pk, "drop"), (retired.pk, "roll_back")]
    assert asked == sorted([*expected, (shadow.pk, "measure"), (theirs.pk, "measure")])
    assert {job.task_name for job in waiting_jobs()} == {space_jobs.SPACE_TASK}
    assert "0 of 1 selected spaces" in order(manager, "promote", shadow)  # it waits already
    assert "measure: waiting" in page(manager, f"{LIST}{shadow.pk}/change/")


def test_what_may_only_be_read_is_not_changed(world: World, manager: Client) -> None:
    world.their_corpus.is_public = True
    world.their_corpus.save()
    theirs = spaces_of(world.their_corpus, "shadow", "retired")
    assert f"/{theirs[0].pk}/change/" in page(manager, LIST)
    for action in ("measure", "promote", "roll_back", "drop"):
        assert "0 of 2 selected spaces" in order(manager, action, *theirs)
    assert not ProcrastinateJob.objects.exists()


def test_the_live_space_is_neither_dropped_nor_promoted_by_hand(world: World, manager: Client) -> None:
    live = live_space_of(world.corpus)
    for action in ("promote", "roll_back", "drop"):
        assert "0 of 1 selected spaces" in order(manager, action, live)
    assert manager.get(f"/admin/{LIST}{live.pk}/delete/").status_code == 403
    assert not ProcrastinateJob.objects.exists()


def test_a_worker_does_what_was_ordered_and_notes_it(corpus: Corpus, embedder: Any) -> None:
    before = live_space_of(corpus)
    space = reindex(corpus, Plan(SpaceRequest(dimensions=128))).space
    assert work(space, "measure") == "measured"
    assert work(space, "promote") == "promoted"
    assert live_space_of(corpus) == space
    assert work(space, "promote").startswith("failed: Only a space that was never live")
    assert work(before, "roll_back") == "rolled_back"
    assert live_space_of(corpus) == before
    assert work(before, "drop").startswith("failed: The live space")
    space_work(Context(), space_id=space.pk, action="drop")  # type: ignore[arg-type]
    assert list(corpus.spaces.all()) == [before]
    assert Embedding.objects.count() == 40
    space_work(Context(), space_id=space.pk, action="drop")  # type: ignore[arg-type]  # and once more


def test_a_refusal_is_noted_with_its_reason(corpus: Corpus, embedder: Any) -> None:
    embedder.is_nonsense = True
    space = reindex(corpus, Plan(SpaceRequest(dimensions=128))).space
    assert work(space, "promote") == "refused: It finds less than the live space."
    assert live_space_of(corpus) != space


def test_a_worker_that_has_to_stop_leaves_it_to_the_next(corpus: Corpus, embedder: Any) -> None:
    space = EmbeddingSpace.objects.create(corpus=corpus, provider="embedded", model="wordllama", dimensions=256)
    assert enqueue_space_work(space, "promote")
    assert not enqueue_space_work(space, "promote")
    with pytest.raises(JobAborted):
        work(space, "promote", stop=True)
    space.refresh_from_db()
    assert space.measured["last"]["result"] == "waiting"
    assert work(space, "promote") == "promoted"


def test_a_real_worker_knows_the_task(corpus: Corpus) -> None:
    live = live_space_of(corpus)
    assert enqueue_space_work(live, "measure")
    assert run_worker() == 0
    live.refresh_from_db()
    assert live.measured["last"]["result"] == "measured"
    assert live.measured["recall"]["recall_at_10"] == 1.0
