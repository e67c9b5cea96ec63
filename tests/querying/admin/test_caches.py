"""The cache pages of the admin: for managers of a corpus, and for their corpora only."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from documents.models import Corpus
from querying.models import CacheCount, CachedAnswer, CacheEntry, QueryLog
from tests.documents.admin.cast import World, editor, manager, reader, superuser, world

__all__ = ["editor", "manager", "reader", "superuser", "world"]
pytestmark = pytest.mark.django_db
OVERVIEW = "/admin/querying/cachecount/"


def path_of(corpus: Corpus, action: str = "") -> str:
    return f"{OVERVIEW}corpus/{corpus.pk}/{action}"


def text_of(client: Client, path: str) -> str:
    """Return the text of a page, without its tags."""
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def keep_something(corpus: Corpus, key: str) -> None:
    """Have an answer and a search kept for the corpus, questions asked, and look-ups counted."""
    now = timezone.now()
    CachedAnswer.objects.create(
        key=key, stale_key=key, alike_key=key, question="How long?", answer={"text": "x" * 5000},
        corpora=[corpus.pk], documents=[], created_at=now,
    )  # fmt: skip
    CacheEntry.objects.create(key=key, kind="search", value={}, corpora=[corpus.pk], created_at=now)
    CacheCount.objects.create(corpus_id=corpus.pk, layer="questions", since=now, hits=3, misses=1)
    CacheCount.objects.create(corpus_id=corpus.pk, layer="memory", since=now, hits=3, misses=2)
    for mode in ("generated", "cached", "cached"):
        QueryLog.objects.create(
            question=f"Asked of {corpus.name}?", corpus_ids=[corpus.pk], answer_mode=mode, outcome="done"
        )


def test_who_manages_a_corpus_sees_what_its_caches_do(world: World, manager: Client) -> None:
    keep_something(world.corpus, "ours")
    overview = text_of(manager, OVERVIEW)
    assert "Our corpus Ours 75 % of 4 75 % of 4" in overview
    page = text_of(manager, path_of(world.corpus))
    assert "Whole questions, from any cache 75 % of 4" in page
    assert "Answers, in memory 60 % of 5" in page
    assert re.search(r"Answers 1 \d+ (bytes|KB)", page.replace("\xa0", " "))
    assert re.search(r"Search results 1 \d+ bytes", page.replace("\xa0", " "))
    assert "Asked of Our corpus? 3 2" in page


def test_of_another_tenants_corpus_there_is_nothing(world: World, manager: Client) -> None:
    keep_something(world.their_corpus, "theirs")
    assert "SECRET" not in text_of(manager, OVERVIEW)
    assert manager.get(path_of(world.their_corpus)).status_code == 404
    for action in ("purge/", "warm/"):
        assert manager.post(path_of(world.their_corpus, action)).status_code == 404
    assert CachedAnswer.objects.filter(pk="theirs").exists()
    assert not ProcrastinateJob.objects.exists()


def test_a_question_that_went_to_another_tenants_corpus_too_is_not_shown(world: World, manager: Client) -> None:
    both = [world.corpus.pk, world.their_corpus.pk]
    QueryLog.objects.create(question="SECRET plans?", corpus_ids=both, answer_mode="generated", outcome="done")
    # Two tenants may use the same slug: it says nothing of whose corpus it was.
    QueryLog.objects.create(
        question="SECRET too?", corpora=[world.corpus.slug], corpus_ids=[world.their_corpus.pk],
        answer_mode="generated", outcome="done",
    )  # fmt: skip
    assert "SECRET" not in text_of(manager, path_of(world.corpus))


def test_editors_readers_and_strangers_see_no_caches(world: World, editor: Client, reader: Client) -> None:
    for client in (editor, reader):
        assert client.get(OVERVIEW).status_code == 403
        assert client.get(path_of(world.corpus)).status_code == 404
        for action in ("purge/", "warm/"):
            assert client.post(path_of(world.corpus, action)).status_code == 404
    for path in (OVERVIEW, path_of(world.corpus), path_of(world.corpus, "purge/")):
        response = Client().get(path)
        assert response.status_code == 302
        assert "/admin/login/" in response["Location"]


def test_a_superuser_sees_all_and_the_memory_of_this_process(world: World, superuser: Client) -> None:
    page = text_of(superuser, OVERVIEW)
    assert "SECRET corpus" in page
    assert "In the memory of the process" in page


def test_the_manager_purges_one_corpus(world: World, manager: Client) -> None:
    keep_something(world.corpus, "ours")
    keep_something(world.their_corpus, "theirs")
    before = Corpus.objects.get(pk=world.corpus.pk).epoch
    response = manager.post(path_of(world.corpus, "purge/"), follow=True)
    assert "Forgotten: 1 answers and 1 search results." in response.content.decode()
    assert list(CachedAnswer.objects.exclude(pk="k").values_list("pk", flat=True)) == ["theirs"]
    assert Corpus.objects.get(pk=world.corpus.pk).epoch == before + 1  # so other processes' memory is void
    assert Corpus.objects.get(pk=world.their_corpus.pk).epoch == 0
    assert LogEntry.objects.get().change_message == "Purged its caches."


def test_the_manager_has_it_warmed_by_a_worker(world: World, manager: Client) -> None:
    first, again = (manager.post(path_of(world.corpus, "warm/"), follow=True).content.decode() for _ in range(2))
    assert "A worker will ask" in first
    assert "about to do that already" in again
    job = ProcrastinateJob.objects.get()
    assert (job.task_name, job.args) == ("warm_cache", {"corpus_id": world.corpus.pk})


def test_nothing_is_warmed_where_nothing_is_cached(world: World, manager: Client, settings: Settings) -> None:
    settings.ENABLE_CACHING = False
    assert "switched off" in manager.post(path_of(world.corpus, "warm/"), follow=True).content.decode()
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.parametrize("action", ["purge/", "warm/"])
def test_the_buttons_need_a_post_from_this_page(world: World, manager: Client, action: str) -> None:
    assert manager.get(path_of(world.corpus, action)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = manager.cookies
    assert strict.post(path_of(world.corpus, action)).status_code == 403


def test_questions_are_shown_as_text(world: World, manager: Client) -> None:
    QueryLog.objects.create(
        question="<script>alert(1)</script>", corpus_ids=[world.corpus.pk], answer_mode="cached", outcome="done"
    )
    html = manager.get(path_of(world.corpus)).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
