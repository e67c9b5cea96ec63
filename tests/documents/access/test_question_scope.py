"""The scope of a question: its corpora, and the fingerprint of its answers."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from documents.access import question_scope as scope
from documents.access.policy import NOBODY, Principal
from documents.access.question_scope import fingerprint_of, scope_of
from documents.models import Corpus, Document, Membership
from ragsite.errors import CorpusNotFound, InvalidInput
from tests.factories import make_corpus, make_tenant, make_user

pytestmark = pytest.mark.django_db


def test_it_says_what_the_separate_reads_say() -> None:
    corpora = [make_corpus(slug="b", is_public=True), make_corpus(slug="a", is_public=True, with_space=False)]
    user = make_user(role=Membership.Role.READER, tenant=corpora[0].tenant)
    group = Group.objects.create(name="board")
    user.groups.add(group)
    document = Document.objects.create(corpus=corpora[1], tenant=corpora[1].tenant, title="t", sha256="0" * 64)
    document.readers.add(group)
    for principal in (NOBODY, Principal.of(user), Principal.of(make_user(is_superuser=True))):
        scope = scope_of(principal, ["b", "a"])
        assert list(scope.corpora) == corpora
        assert scope.fingerprint == fingerprint_of(principal, corpora)
        for corpus in scope.corpora:
            fresh = Corpus.objects.get(pk=corpus.pk)
            assert [getattr(corpus, field.attname) for field in Corpus._meta.concrete_fields] == [
                getattr(fresh, field.attname) for field in Corpus._meta.concrete_fields
            ]
            assert corpus.tenant == fresh.tenant
            assert corpus.live_space == fresh.live_space


def test_it_is_one_statement_also_with_the_live_spaces() -> None:
    make_corpus(slug="a", is_public=True)
    scope_of(NOBODY, ["a"])
    with CaptureQueriesContext(connection) as queries:
        found = scope_of(NOBODY, ["a"]).corpora[0]
        assert found.live_space is not None
        assert found.tenant.slug
    assert len(queries) == 1


def test_what_changes_is_seen_by_the_next_question() -> None:
    corpus = make_corpus(slug="a", is_public=True)
    before = scope_of(NOBODY, ["a"]).fingerprint
    Corpus.objects.update(epoch=7)
    assert scope_of(NOBODY, ["a"]).fingerprint != before
    Corpus.objects.update(is_public=False)
    with pytest.raises(CorpusNotFound):
        scope_of(NOBODY, ["a"])
    assert scope_of(NOBODY, []).corpora == ()
    user = make_user()
    with pytest.raises(CorpusNotFound):
        scope_of(Principal.of(user), ["a"])
    Membership.objects.create(user=user, tenant=corpus.tenant, role=Membership.Role.READER)
    assert scope_of(Principal.of(user), ["a"]).corpora == (corpus,)


def test_the_same_rows_mean_the_same_scope_and_few_ways_to_name_it_are_kept() -> None:
    corpora = [make_corpus(slug=slug, is_public=True) for slug in "abcd"]
    first = scope_of(NOBODY, ["a", "b"])
    assert scope_of(NOBODY, ["a", "b"]) is first
    for names in itertools.permutations("abcd"):
        assert [corpus.slug for corpus in scope_of(NOBODY, names).corpora] == list(names)
    with scope._lock:
        assert max(len(state.scopes) for _, state in scope._open_states.values()) == scope.SCOPES_KEPT
    Corpus.objects.filter(pk=corpora[0].pk).update(epoch=corpora[0].epoch + 1)
    assert scope_of(NOBODY, ["a", "b"]).fingerprint != first.fingerprint


def test_a_key_without_the_right_scope_may_ask_nothing() -> None:
    make_corpus(slug="a", is_public=True)
    assert scope_of(Principal(None, frozenset()), []).corpora == ()
    with pytest.raises(CorpusNotFound):
        scope_of(Principal(None, frozenset()), ["a"])


def test_a_slug_of_two_tenants_needs_the_tenants_name() -> None:
    north, south = (
        make_corpus(slug="faq", tenant=make_tenant(slug=name), is_public=True) for name in ("north", "south")
    )
    with pytest.raises(InvalidInput):
        scope_of(NOBODY, ["faq"])
    assert scope_of(NOBODY, ["south/faq", "north/faq", "south/faq"]).corpora == (south, north)


def test_nobody_waits_for_others_with_a_connection_in_hand(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else those who wait may hold the connections that the one whom they wait for needs."""
    corpus = make_corpus(slug="a", is_public=True)
    held: list[bool] = []

    def read(key: object, act: object, *, patience_seconds: float) -> None:
        assert patience_seconds == 0.5
        held.append(connection.connection is not None)
        raise CorpusNotFound

    Corpus.objects.count()  # as authentication does
    assert connection.connection is not None
    monkeypatch.setattr(scope._reads, "read", read)
    with pytest.raises(CorpusNotFound):
        scope_of(NOBODY, ["a"], patience_seconds=0.5)
    assert held == [False]
    assert fingerprint_of(NOBODY, [corpus]).ids == [corpus.pk]  # asked by those who hold one: alone
