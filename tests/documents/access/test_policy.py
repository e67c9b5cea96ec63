"""Read and write rights of every kind of user on every kind of corpus and document."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group

from documents.access.policy import (
    NOBODY,
    Principal,
    choose_corpora,
    editable_corpora,
    editable_documents,
    manageable_tenants,
    readable_corpora,
    readable_documents,
)
from documents.models import ApiKey, Corpus, Document
from ragsite.errors import CorpusNotFound, InvalidInput
from tests.factories import make_corpus, make_tenant, make_user

pytestmark = pytest.mark.django_db


def make_document(corpus: Corpus, title: str = "D", **fields: object) -> Document:
    return Document.objects.create(
        **{"tenant": corpus.tenant, "corpus": corpus, "title": title, "sha256": title, **fields}
    )


def test_nobody_reads_public_corpora_only() -> None:
    public, _private = make_corpus(is_public=True), make_corpus()
    assert list(readable_corpora(NOBODY)) == [public]
    assert not editable_corpora(NOBODY).exists()


def test_a_member_reads_the_corpora_of_their_tenant_and_no_other() -> None:
    mine, foreign = make_corpus(), make_corpus()
    reader = Principal.of(make_user(role="reader", tenant=mine.tenant))
    assert list(readable_corpora(reader)) == [mine]
    assert not editable_corpora(reader).exists()
    assert foreign not in readable_corpora(reader)


@pytest.mark.parametrize(
    ("role", "edits", "manages"),
    [
        ("reader", False, False),
        ("editor", True, False),
        ("manager", True, True),
    ],
)
def test_roles(role: str, edits: bool, manages: bool) -> None:
    corpus = make_corpus()
    document = make_document(corpus)
    principal = Principal.of(make_user(role=role, tenant=corpus.tenant))
    assert editable_corpora(principal).exists() is edits
    assert editable_documents(principal).filter(pk=document.pk).exists() is edits
    assert manageable_tenants(principal).exists() is manages


def test_a_corpus_with_reader_groups_is_closed_to_other_members() -> None:
    corpus, group = make_corpus(), Group.objects.create(name="board")
    corpus.readers.add(group)
    outsider = make_user(role="editor", tenant=corpus.tenant)
    insider = make_user(role="reader", tenant=corpus.tenant)
    insider.groups.add(group)
    manager = make_user(role="manager", tenant=corpus.tenant)
    assert not readable_corpora(Principal.of(outsider)).exists()
    assert not editable_corpora(Principal.of(outsider)).exists()
    assert readable_corpora(Principal.of(insider)).exists()
    assert readable_corpora(Principal.of(manager)).exists()


def test_a_group_of_another_tenant_opens_nothing() -> None:
    corpus, group = make_corpus(), Group.objects.create(name="board")
    corpus.readers.add(group)
    foreigner = make_user(role="manager")
    foreigner.groups.add(group)
    assert not readable_corpora(Principal.of(foreigner)).exists()


def test_a_document_with_reader_groups_is_closed_within_an_open_corpus() -> None:
    corpus, group = make_corpus(is_public=True), Group.objects.create(name="board")
    open_one, closed = make_document(corpus, "open"), make_document(corpus, "closed")
    closed.readers.add(group)
    member = make_user(role="editor", tenant=corpus.tenant)
    assert list(readable_documents(NOBODY)) == [open_one]
    assert list(readable_documents(Principal.of(member))) == [open_one]
    member.groups.add(group)
    assert set(readable_documents(Principal.of(member))) == {open_one, closed}


def test_deleted_documents_are_gone_for_everybody() -> None:
    document = make_document(make_corpus(is_public=True), deleted_at="2026-01-01T00:00:00Z")
    root = Principal.of(make_user(is_superuser=True))
    assert not readable_documents(root).filter(pk=document.pk).exists()


def test_a_superuser_reads_everything() -> None:
    document = make_document(make_corpus())
    root = Principal.of(make_user(is_superuser=True))
    assert document in readable_documents(root)
    assert document in editable_documents(root)


def test_a_user_who_was_switched_off_is_nobody() -> None:
    corpus = make_corpus()
    assert not readable_corpora(Principal.of(make_user(role="manager", tenant=corpus.tenant, is_active=False))).exists()


def test_a_key_without_the_ingest_scope_changes_nothing() -> None:
    corpus = make_corpus()
    user = make_user(role="manager", tenant=corpus.tenant)
    key, _ = ApiKey.issue(user, "reader", ["query"])
    principal = Principal.of(user, key)
    assert readable_corpora(principal).exists()
    assert not editable_corpora(principal).exists()
    assert not manageable_tenants(principal).exists()


def test_a_key_without_scopes_reads_nothing() -> None:
    corpus = make_corpus(is_public=True)
    user = make_user(role="manager", tenant=corpus.tenant)
    key, _ = ApiKey.issue(user, "nothing", [])
    assert not readable_corpora(Principal.of(user, key)).exists()


def test_anonymous_user_objects_are_nobody() -> None:
    assert Principal.of(AnonymousUser()).user is None


def test_corpora_are_chosen_by_slug_in_the_order_given() -> None:
    first, second = make_corpus(slug="b", is_public=True), make_corpus(slug="a", is_public=True)
    assert choose_corpora(["b", "a", "b"], readable_corpora(NOBODY)) == [first, second]
    assert len(choose_corpora([], readable_corpora(NOBODY))) == 2


def test_a_corpus_that_one_may_not_read_does_not_exist() -> None:
    make_corpus(slug="secret")
    with pytest.raises(CorpusNotFound):
        choose_corpora(["secret"], readable_corpora(NOBODY))


def test_a_slug_of_two_tenants_needs_the_tenant() -> None:
    tenant = make_tenant(slug="north")
    north = make_corpus(slug="faq", is_public=True, tenant=tenant)
    make_corpus(slug="faq", is_public=True)
    with pytest.raises(InvalidInput, match="understood"):
        choose_corpora(["faq"], readable_corpora(NOBODY))
    assert choose_corpora(["north/faq"], readable_corpora(NOBODY)) == [north]
