"""Popular questions are answered again, for readers who would get the same answer, and for no others."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from documents.access.policy import Principal
from documents.models import Corpus, Document, Membership
from documents.worker import work
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering.pipeline import answer_question
from querying.caching.popular_questions import most_asked, most_asked_among
from querying.caching.purge import purge
from querying.jobs import queue_warming
from querying.models import CachedAnswer, QueryLog
from querying.types import AnswerMode
from querying.warming import WarmingOutcome, warm
from tests.factories import make_user
from tests.querying.asking import PARKING_QUESTION, ask, generations, mode_of
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
GENERATED, EXTRACTIVE, CACHED = AnswerMode.GENERATED, AnswerMode.EXTRACTIVE, AnswerMode.CACHED
LUNCH_QUESTION = "When does the canteen serve lunch?"


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def note(question: str, times: int, *corpora: Corpus, **fields: Any) -> None:
    """Write into the log that these corpora were asked."""
    days_ago = fields.pop("days_ago", 0)
    for _ in range(times):
        QueryLog.objects.create(
            **{
                "question": question,
                "corpus_ids": [corpus.pk for corpus in corpora],
                "answer_mode": "generated",
                "outcome": "done",
                "created_at": timezone.now() - timedelta(days=days_ago),
                **fields,
            }
        )


def test_the_most_asked_of_this_corpus_alone_come_first(corpus: Corpus) -> None:
    other = make_library(slug="other")
    note(PARKING_QUESTION, 2, corpus)
    note(PARKING_QUESTION, 1, corpus, answer_mode="cached")
    note(QUESTION, 5, corpus)
    note("of two corpora", 9, corpus, other)
    note("of another one", 9, other)
    note("long ago", 9, corpus, days_ago=30)
    note("failed", 9, corpus, outcome="error")
    found = most_asked(corpus.pk, days=7, top=10)
    assert [(each.question, each.times, each.from_cache) for each in found] == [
        (QUESTION, 5, 0),
        (PARKING_QUESTION, 3, 1),
    ]
    assert len(most_asked(corpus.pk, days=7, top=1)) == 1
    among = most_asked_among(corpus.pk, [corpus.pk], days=7, top=10)
    assert "of two corpora" not in {each.question for each in among}
    among = most_asked_among(corpus.pk, [corpus.pk, other.pk], days=7, top=10)
    assert among[0].question == "of two corpora"


def test_every_question_says_which_corpora_it_was_for(corpus: Corpus) -> None:
    mode_of(corpus)
    assert QueryLog.objects.get().corpus_ids == [corpus.pk]


def test_after_warming_answers_come_from_the_cache(corpus: Corpus, standin: StandIn) -> None:
    note(QUESTION, 3, corpus)
    note(PARKING_QUESTION, 2, corpus)
    report = warm(corpus, top=10, days=7)
    assert [(each.question, each.outcome) for each in report.questions] == [
        (QUESTION, WarmingOutcome.WARMED),
        (PARKING_QUESTION, WarmingOutcome.WARMED),
    ]
    assert [mode_of(corpus), mode_of(corpus, PARKING_QUESTION)] == [CACHED, CACHED]
    assert generations(standin) == 2
    again = warm(corpus, top=10, days=7)
    assert {each.outcome for each in again.questions} == {WarmingOutcome.FRESH}
    assert generations(standin) == 2


def test_warming_is_not_recorded_as_a_question(corpus: Corpus) -> None:
    note(QUESTION, 1, corpus)
    warm(corpus, top=10, days=7)
    assert QueryLog.objects.count() == 1


def test_it_asks_with_the_default_options(corpus: Corpus) -> None:
    Corpus.objects.filter(pk=corpus.pk).update(defaults={"top_k": 2, "mode": "fast"})
    corpus.refresh_from_db()
    note(QUESTION, 1, corpus)
    warm(corpus, top=10, days=7)
    assert mode_of(corpus, top_k=2, mode="fast") == CACHED
    assert mode_of(corpus) == EXTRACTIVE


def test_what_the_documents_do_not_hold_is_not_kept(corpus: Corpus) -> None:
    note("Who painted the ceiling of the chapel?", 1, corpus)
    report = warm(corpus, top=10, days=7)
    assert [each.outcome for each in report.questions] == [WarmingOutcome.NOT_KEPT]
    assert not report.has_failed


def test_when_the_model_is_away_it_gives_up(corpus: Corpus, standin: StandIn) -> None:
    for number, question in enumerate(
        ["How many days of paid leave?", "Paid leave per year?", PARKING_QUESTION, LUNCH_QUESTION, QUESTION]
    ):
        note(question, 9 - number, corpus)
    standin.fail("error", operation="chat")
    report = warm(corpus, top=10, days=7)
    assert [each.outcome for each in report.questions] == [WarmingOutcome.FAILED] * 3 + [WarmingOutcome.LEFT] * 2
    assert report.has_failed


def test_warming_stops_when_it_is_cancelled(corpus: Corpus) -> None:
    note(QUESTION, 1, corpus)
    report = warm(corpus, top=10, days=7, keep_going=lambda: False)
    assert [each.outcome for each in report.questions] == [WarmingOutcome.LEFT]


# For whom: by key. An answer of one scope is never given to another.


@pytest.fixture
def private() -> Corpus:
    corpus = make_library(slug="handbook", is_public=False)
    note(QUESTION, 1, corpus)
    return corpus


def test_a_private_corpus_is_warmed_for_its_members(private: Corpus) -> None:
    member = make_user(role=Membership.Role.READER, tenant=private.tenant)
    report = warm(private, top=10, days=7)
    assert report.scope == "1 of 1 members"
    assert mode_of(private, principal=Principal.of(member)) == CACHED
    stranger = answer_question(ask(private, principal=Principal.of(make_user())))
    assert stranger.mode != CACHED
    assert "25 days" not in str(stranger)


def test_closed_documents_are_warmed_for_the_larger_group_and_shown_to_no_other(private: Corpus) -> None:
    board, staff = Group.objects.create(name="board"), Group.objects.create(name="staff")
    people = [make_user(role=Membership.Role.READER, tenant=private.tenant) for _ in range(3)]
    manager = make_user(role=Membership.Role.MANAGER, tenant=private.tenant)
    people[0].groups.add(board)
    people[1].groups.add(staff)
    people[2].groups.add(staff)
    Document.objects.get(title="handbook").readers.add(board)
    report = warm(private, top=10, days=7)
    assert report.scope == "2 of 3 members"
    assert "25 days" not in str(list(CachedAnswer.objects.values_list("answer", flat=True)))
    for reader in (people[0], manager):
        answer = answer_question(ask(private, principal=Principal.of(reader)))
        assert answer.mode == EXTRACTIVE
        assert "25 days" in answer.text


def test_without_plain_members_an_open_corpus_is_still_warmed(private: Corpus) -> None:
    manager = make_user(role=Membership.Role.MANAGER, tenant=private.tenant)
    assert warm(private, top=10, days=7).scope == "everybody who may ask it"
    assert mode_of(private, principal=Principal.of(manager)) == CACHED


def test_a_closed_corpus_without_plain_members_is_not_warmed(private: Corpus) -> None:
    make_user(role=Membership.Role.MANAGER, tenant=private.tenant)
    Document.objects.get(title="handbook").readers.add(Group.objects.create(name="board"))
    report = warm(private, top=10, days=7)
    assert (report.scope, report.questions) == ("", ())
    assert not CachedAnswer.objects.exists()


# The commands and the job.


def test_the_command_tells_what_it_did(corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    note(QUESTION, 3, corpus)
    call_command("warm_cache", "handbook")
    out = capsys.readouterr().out
    assert f"3  warmed    {QUESTION}" in out
    assert "For everybody: 1 warmed." in out
    call_command("warm_cache", "handbook", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["fresh"], report["warmed"], report["scope"]) == (1, 0, "everybody")
    assert report["questions"][0]["question"] == QUESTION


def test_the_command_fails_when_a_question_does(corpus: Corpus, standin: StandIn) -> None:
    note(QUESTION, 1, corpus)
    standin.fail("error", operation="chat")
    with pytest.raises(SystemExit) as end:
        call_command("warm_cache", "handbook")
    assert end.value.code == 1


@pytest.mark.parametrize("arguments", [["nope"], ["handbook", "--top", "0"], ["handbook", "--days", "-1"]])
def test_the_command_refuses_what_it_cannot_do(corpus: Corpus, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("warm_cache", *arguments)


def test_the_command_says_that_there_is_no_cache_to_warm(corpus: Corpus, settings: Settings) -> None:
    settings.ENABLE_ANSWER_CACHE = False
    with pytest.raises(CommandError, match="switched off"):
        call_command("warm_cache", "handbook")


def test_a_worker_warms_once(corpus: Corpus) -> None:
    note(QUESTION, 1, corpus)
    assert [queue_warming(corpus), queue_warming(corpus)] == [True, False]
    work(until_idle=True)
    assert not ProcrastinateJob.objects.filter(task_name="warm_cache", status__in=["todo", "doing"]).exists()
    assert mode_of(corpus) == CACHED


def test_purging_one_corpus_reaches_the_memory_of_every_process(
    corpus: Corpus, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_library(slug="other")
    mode_of(corpus), mode_of(other)
    # As in another process, whose memory nobody can empty.
    monkeypatch.setattr("querying.cachestore.memory.MemoryCache.clear", lambda self: None)
    call_command("purge_cache", "handbook", "--json")
    assert json.loads(capsys.readouterr().out) == {"answers": 1, "searches": 0, "vectors": 0}
    assert [mode_of(corpus), mode_of(other)] == [EXTRACTIVE, CACHED]
    purge()
    assert [mode_of(corpus), mode_of(other)] == [EXTRACTIVE, EXTRACTIVE]
