"""Reader groups belong to one tenant, and a corpus with readers is not public, however it is stored."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client

from documents.access.policy import NOBODY, Principal, readable_corpora, readable_documents
from documents.corpora import change_corpus
from documents.models import ApiKey, Corpus, ReaderGroup
from ragsite.errors import InvalidInput
from tests.documents.access.test_policy import make_document
from tests.factories import make_corpus, make_tenant, make_user

pytestmark = pytest.mark.django_db
migration = import_module("documents.migrations.0009_reader_groups")


def test_a_group_belongs_to_the_tenant_that_names_it_first_and_no_other_can_name_it() -> None:
    ours, theirs, group = make_corpus(), make_corpus(), Group.objects.create(name="board")
    ours.readers.add(group)
    assert ReaderGroup.objects.get().tenant == ours.tenant
    ways: list[Callable[[], object]] = [
        lambda: theirs.readers.add(group),
        lambda: theirs.readers.set([group]),
        lambda: make_document(theirs, "x").readers.add(group),
        lambda: group.corpus_set.add(theirs),
    ]
    for add in ways:
        with pytest.raises(InvalidInput) as refused, transaction.atomic():
            add()
        assert "readers" in refused.value.fields
    assert not theirs.readers.exists()


def test_a_foreign_group_that_was_stored_past_us_opens_nothing() -> None:
    corpus, group = make_corpus(), Group.objects.create(name="board")
    document = make_document(corpus, "closed")
    ReaderGroup.objects.create(group=group, tenant=make_tenant())
    member = make_user(role="editor", tenant=corpus.tenant)
    member.groups.add(group)
    document.readers.through.objects.create(document=document, group=group)
    assert not readable_documents(Principal.of(member)).exists()
    corpus.readers.through.objects.create(corpus=corpus, group=group)
    assert not readable_corpora(Principal.of(member)).exists()


def test_readers_win_over_public_where_both_are_stored() -> None:
    corpus, group = make_corpus(), Group.objects.create(name="board")
    corpus.readers.add(group)
    Corpus.objects.update(is_public=True)
    member = make_user(role="editor", tenant=corpus.tenant)
    assert not readable_corpora(NOBODY).exists()
    assert not readable_corpora(Principal.of(member)).exists()
    member.groups.add(group)
    assert readable_corpora(Principal.of(member)).exists()


def test_a_public_corpus_takes_no_readers_and_one_with_readers_is_not_made_public() -> None:
    public, closed, group = make_corpus(is_public=True), make_corpus(), Group.objects.create(name="board")
    with pytest.raises(InvalidInput), transaction.atomic():
        public.readers.add(group)
    closed.readers.add(group)
    with pytest.raises(InvalidInput) as refused:
        change_corpus(closed, {"is_public": True})
    assert "is_public" in refused.value.fields
    closed.is_public = True
    with pytest.raises(ValidationError):
        closed.full_clean()


def test_the_api_refuses_it_at_the_field() -> None:
    corpus = make_corpus()
    corpus.readers.add(Group.objects.create(name="board"))
    _key, secret = ApiKey.issue(make_user(role="manager", tenant=corpus.tenant), "k", ["ingest"])
    reply = Client().patch(
        f"/api/v1/corpora/{corpus.tenant.slug}/{corpus.slug}",
        {"is_public": True},
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert reply.status_code == 400
    assert [error["field"] for error in reply.json()["errors"]] == ["is_public"]
    assert not Corpus.objects.get().is_public


def test_the_admin_refuses_both_at_their_fields() -> None:
    corpus, ours, theirs = make_corpus(), Group.objects.create(name="ours"), Group.objects.create(name="theirs")
    ReaderGroup.objects.create(group=ours, tenant=corpus.tenant)
    ReaderGroup.objects.create(group=theirs, tenant=make_tenant())
    client = Client()
    client.force_login(make_user(is_superuser=True, is_staff=True))
    form = {
        "name": "A", "slug": corpus.slug, "language": "en", "chunk_unit": "chars", "chunk_size": 800,
        "chunk_overlap": 100, "defaults": "{}",
    }  # fmt: skip
    path = f"/admin/documents/corpus/{corpus.pk}/change/"
    assert "for everybody" in client.post(path, {**form, "is_public": "on", "readers": [ours.pk]}).content.decode()
    assert "another tenant" in client.post(path, {**form, "readers": [theirs.pk]}).content.decode()
    assert not corpus.readers.exists()
    assert client.post(path, {**form, "readers": [ours.pk]}).status_code == 302
    assert client.post(path, {**form, "is_public": "on"}).status_code == 302  # it names no readers any more
    corpus.refresh_from_db()
    assert (corpus.is_public, corpus.readers.count()) == (True, 0)


def test_a_manager_sees_and_chooses_the_groups_of_the_own_tenant_only() -> None:
    corpus, theirs = make_corpus(), Group.objects.create(name="SECRET-group")
    ReaderGroup.objects.create(group=theirs, tenant=make_tenant())
    both = make_user(role="reader", tenant=corpus.tenant)  # is in a group of the other tenant, too
    both.groups.add(theirs)
    client = Client()
    client.force_login(make_user(role="manager", tenant=corpus.tenant, is_staff=True))
    for path in (f"corpus/{corpus.pk}/change/", "corpus/add/", "document/add/", "readergroup/"):
        assert "SECRET" not in client.get(f"/admin/documents/{path}").content.decode()


def test_the_migration_splits_groups_that_several_tenants_named_and_changes_nobodys_rights() -> None:
    first, second, group = make_corpus(), make_corpus(), Group.objects.create(name="board")
    members = [make_user(role="reader", tenant=each.tenant) for each in (first, second)]
    for member in members:
        member.groups.add(group)
    document = make_document(second, "closed")
    for corpus in (first, second):
        corpus.readers.through.objects.create(corpus=corpus, group=group)
    document.readers.through.objects.create(document=document, group=group)
    migration.give_groups_to_tenants(apps, None)
    assert {each.tenant for each in ReaderGroup.objects.all()} == {first.tenant, second.tenant}
    assert [first.readers.get(), first.readers.get() == second.readers.get()] == [group, False]
    for corpus, member in zip((first, second), members, strict=True):
        assert list(readable_corpora(Principal.of(member))) == [corpus]
    assert list(readable_documents(Principal.of(members[1]))) == [document]


def test_the_migration_closes_public_corpora_that_name_readers() -> None:
    corpus, other = make_corpus(), make_corpus(is_public=True)
    corpus.readers.add(Group.objects.create(name="board"))
    Corpus.objects.update(is_public=True)
    migration.close_public_corpora_with_readers(apps, None)
    assert list(Corpus.objects.filter(is_public=True)) == [other]
    assert Corpus.objects.get(pk=corpus.pk).epoch == corpus.epoch + 1
