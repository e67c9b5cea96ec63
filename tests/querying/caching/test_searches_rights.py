"""A cached search shows nothing that was deleted, closed or changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import Group

from documents.access.policy import Principal
from documents.indexing.pipeline import index_document
from documents.indexing.queue import reindex_document
from documents.models import Corpus, Document
from documents.storage.deletion import delete_document
from querying.answering.pipeline import search
from querying.cachestore import background_writer
from querying.caching.keys import standing_for
from querying.caching.searches import keep_search, search_key_if_cacheable
from querying.models import CacheEntry
from tests.factories import make_user
from tests.querying.asking import ask
from tests.querying.library import add_document, make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


def test_of_a_deleted_document_nothing_is_found_or_kept(corpus: Corpus) -> None:
    assert "25 days" in str(search(ask(corpus)))
    background_writer.store_now()
    assert CacheEntry.objects.count() == 1
    delete_document(Document.objects.get(title="handbook"))
    assert not CacheEntry.objects.exists()
    again = search(ask(corpus))
    assert again.age_seconds is None
    assert "25 days" not in str(again)


def test_what_was_found_before_a_deletion_is_not_stored_after_it(corpus: Corpus) -> None:
    key = search_key_if_cacheable(ask(corpus))
    assert key is not None
    found = search(ask(corpus))
    delete_document(Document.objects.get(title="handbook"))
    keep_search(key, found)  # by somebody who began before
    background_writer.store_now()
    assert not CacheEntry.objects.exists()


def test_who_asked_before_a_deletion_and_waited_finds_nothing_of_it(corpus: Corpus) -> None:
    asked = ask(corpus)
    asked = replace(asked, standing=standing_for(asked), started=asked.started - 2)
    search(ask(corpus))
    delete_document(Document.objects.get(title="handbook"))
    assert "25 days" not in str(search(asked))


def test_a_new_document_is_found(corpus: Corpus) -> None:
    search(ask(corpus))
    add_document(corpus, "Paid leave. Employees get 30 days of paid leave from 2027 on.", "new.txt")
    again = search(ask(corpus))
    assert again.age_seconds is None
    assert "30 days" in str(again)


def test_a_reindexed_document_is_searched_again(corpus: Corpus) -> None:
    before = search(ask(corpus))
    document = Document.objects.get(title="handbook")
    reindex_document(document)
    index_document(document.pk)
    after = search(ask(corpus))
    assert after.age_seconds is None
    assert {each.chunk_id for each in after.passages}.isdisjoint(
        each.chunk_id for each in before.passages if each.document_id == document.pk
    )


def test_a_corpus_that_is_made_private_is_closed_at_once(corpus: Corpus) -> None:
    assert "25 days" in str(search(ask(corpus)))
    Corpus.objects.filter(pk=corpus.pk).update(is_public=False)  # and no epoch is raised
    assert search(ask(corpus)).passages == ()


def test_a_document_that_is_closed_later_is_found_by_its_readers_only(corpus: Corpus) -> None:
    assert "25 days" in str(search(ask(corpus)))
    group = Group.objects.create(name="staff")
    member, stranger = make_user(), make_user()
    member.groups.add(group)
    Document.objects.get(title="handbook").readers.add(group)  # and no epoch is raised
    for user in (stranger, member, member, stranger):
        text = str(search(ask(corpus, principal=Principal.of(user))).passages)
        assert ("25 days" in text) == (user == member)


def test_a_search_is_lost_to_readers_that_lose_access(corpus: Corpus) -> None:
    group = Group.objects.create(name="staff")
    member = make_user()
    member.groups.add(group)
    document = Document.objects.get(title="handbook")
    document.readers.add(group)
    assert "25 days" in str(search(ask(corpus, principal=Principal.of(member))))
    document.readers.set([Group.objects.create(name="board")])  # and no epoch is raised
    assert "25 days" not in str(search(ask(corpus, principal=Principal.of(member))))
