"""A cached answer never shows what its reader may not read, or what was deleted."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection

from documents.access.policy import NOBODY, Principal
from documents.models import Corpus, Document, Membership
from documents.storage.deletion import delete_document
from querying.answering.pipeline import answer_question
from querying.caching.answers import keep_in_memory, keep_shared
from querying.caching.keys import keys_of
from querying.models import CachedAnswer
from querying.types import AnswerMode
from tests.factories import make_user
from tests.querying.asking import PARKING_QUESTION, ask, mode_of
from tests.querying.library import add_document, make_library

pytestmark = pytest.mark.django_db(transaction=True)
GENERATED, EXTRACTIVE, CACHED = AnswerMode.GENERATED, AnswerMode.EXTRACTIVE, AnswerMode.CACHED


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def test_a_deleted_document_leaves_no_trace(corpus: Corpus) -> None:
    assert "25 days" in answer_question(ask(corpus)).text
    asked_before = ask(corpus)  # with the epoch of before
    document = Document.objects.get(title="handbook")
    delete_document(document)
    for asked in (ask(corpus), asked_before):
        again = answer_question(asked)
        assert again.mode != CACHED
        assert "25 days" not in again.text
        assert document.pk not in {passage.document_id for passage in again.passages}


def test_of_a_deleted_document_nothing_is_kept_anywhere(corpus: Corpus) -> None:
    mode_of(corpus)
    mode_of(corpus, PARKING_QUESTION, filters={"source": "parking.txt"})
    assert CachedAnswer.objects.count() == 2
    delete_document(Document.objects.get(title="handbook"))
    left = CachedAnswer.objects.get()
    assert "25 days" not in str(left.answer)


def test_an_answer_that_was_made_during_a_deletion_is_not_kept(corpus: Corpus) -> None:
    asked = ask(corpus)
    keys = keys_of(asked)
    answer = answer_question(ask(corpus, use_cache=False))
    delete_document(Document.objects.get(title="handbook"))
    keep_shared(keys, keep_in_memory(keys, answer))
    assert not CachedAnswer.objects.exists()


def test_a_new_document_makes_a_new_answer(corpus: Corpus) -> None:
    mode_of(corpus)
    add_document(corpus, "Paid leave. Employees get 30 days of paid leave from 2027 on.", "new.txt")
    again = answer_question(ask(corpus))
    assert again.mode == EXTRACTIVE
    assert "30 days" in again.text


def test_under_load_nothing_of_a_deleted_document_is_ever_answered(corpus: Corpus) -> None:
    gone = threading.Event()
    wrong: list[str] = []

    def go_on_asking() -> None:
        asked_since = 0
        while asked_since < 20:
            was_gone = gone.is_set()
            text = str(answer_question(ask(corpus)))
            asked_since += was_gone
            if was_gone and "25 days" in text:
                wrong.append(text)
        connection.close()

    askers = [threading.Thread(target=go_on_asking) for _ in range(4)]
    for asker in askers:
        asker.start()
    time.sleep(0.3)
    delete_document(Document.objects.get(title="handbook"))
    gone.set()
    for asker in askers:
        asker.join(60)
    assert not any(asker.is_alive() for asker in askers)
    assert not wrong


@pytest.fixture
def closed(corpus: Corpus) -> tuple[Group, Principal]:
    """The handbook is for one group, and this is a member of it."""
    group = Group.objects.create(name="staff")
    Document.objects.get(title="handbook").readers.add(group)
    member = make_user()
    member.groups.add(group)
    return group, Principal.of(member)


def test_a_closed_document_is_not_shown_through_a_readers_cached_answer(
    corpus: Corpus, closed: tuple[Group, Principal]
) -> None:
    _, member = closed
    assert "25 days" in answer_question(ask(corpus, principal=member)).text
    assert mode_of(corpus, principal=member) == CACHED
    for stranger in (NOBODY, Principal.of(make_user()), Principal.of(AnonymousUser())):
        answer = answer_question(ask(corpus, principal=stranger))
        assert answer.mode != CACHED
        assert "25 days" not in str(answer)


def test_who_leaves_the_group_is_shown_nothing_cached(corpus: Corpus, closed: tuple[Group, Principal]) -> None:
    group, member = closed
    assert member.user is not None
    mode_of(corpus, principal=member)
    member.user.groups.remove(group)
    assert "25 days" not in str(answer_question(ask(corpus, principal=member)))


def test_a_document_that_is_closed_later_is_not_shown_to_others(corpus: Corpus) -> None:
    assert "25 days" in answer_question(ask(corpus)).text
    Document.objects.get(title="handbook").readers.add(Group.objects.create(name="staff"))  # and no epoch is raised
    assert "25 days" not in str(answer_question(ask(corpus)))


def test_a_document_is_not_shown_to_readers_that_lose_access(corpus: Corpus, closed: tuple[Group, Principal]) -> None:
    _, member = closed
    mode_of(corpus, principal=member)
    Document.objects.get(title="handbook").readers.set([Group.objects.create(name="board")])  # and no epoch is raised
    assert "25 days" not in str(answer_question(ask(corpus, principal=member)))


def test_readers_with_other_rights_share_no_answers_when_documents_are_closed(
    corpus: Corpus, closed: tuple[Group, Principal]
) -> None:
    _, member = closed
    manager = make_user(role=Membership.Role.MANAGER, tenant=corpus.tenant)
    askers = [NOBODY, member, Principal.of(manager), Principal.of(make_user(is_superuser=True))]
    assert len({keys_of(ask(corpus, principal=principal)).exact for principal in askers}) == 4


def test_other_groups_and_other_tenants_to_manage_are_other_rights(
    corpus: Corpus, closed: tuple[Group, Principal]
) -> None:
    group, _ = closed
    other = make_user(role=Membership.Role.MANAGER)
    users = [make_user(), make_user(), other]
    users[0].groups.add(group)
    users[1].groups.add(Group.objects.create(name="board"))
    assert len({keys_of(ask(corpus, principal=Principal.of(user))).exact for user in users}) == 3


def test_equal_groups_share(corpus: Corpus, closed: tuple[Group, Principal]) -> None:
    group, member = closed
    colleague = make_user()
    colleague.groups.add(group)
    mode_of(corpus, principal=member)
    assert mode_of(corpus, principal=Principal.of(colleague)) == CACHED


def test_who_may_not_ask_the_corpus_finds_nothing_of_it(corpus: Corpus) -> None:
    member = Principal.of(make_user(role=Membership.Role.READER, tenant=corpus.tenant))
    Corpus.objects.filter(pk=corpus.pk).update(is_public=False)
    assert "25 days" in answer_question(ask(corpus, principal=member)).text
    assert "25 days" not in str(answer_question(ask(corpus)))


def test_without_closed_documents_all_readers_share_answers(corpus: Corpus) -> None:
    mode_of(corpus)
    assert mode_of(corpus, principal=Principal.of(make_user())) == CACHED
