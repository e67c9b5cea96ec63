"""The semantic cache per corpus in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from documents.models import Corpus
from querying.models import FalseHit, SemanticCacheLimit
from tests.documents.admin.cast import make_person
from tests.querying.alike import OTHERS, answered_corpus, hit, is_off, report, report_all
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)
ADMIN = "/admin/querying/semanticcachelimit/"


@pytest.fixture
def corpus() -> Corpus:
    return answered_corpus()


@pytest.fixture
def manager(corpus: Corpus) -> Client:
    client = Client()
    client.force_login(make_person(role="manager", tenant=corpus.tenant, is_staff=True))
    return client


def test_a_manager_sets_the_limits_of_a_corpus(corpus: Corpus, manager: Client) -> None:
    reply = manager.post(f"{ADMIN}add/", {"corpus": corpus.pk, "similarity": "0.9", "budget": ""})
    assert reply.status_code == 302
    limit = SemanticCacheLimit.objects.get()
    assert (limit.corpus, limit.similarity, limit.budget, limit.is_off) == (corpus, 0.9, None, False)


@pytest.mark.parametrize("value", ["1.5", "-1", "nan", "x"])
def test_a_threshold_that_is_none_is_refused_with_a_sentence(corpus: Corpus, manager: Client, value: str) -> None:
    reply = manager.post(f"{ADMIN}add/", {"corpus": corpus.pk, "similarity": value, "budget": ""})
    assert reply.status_code == 200
    assert "Ensure this value is" in reply.content.decode() or "Enter a number." in reply.content.decode()
    assert not SemanticCacheLimit.objects.exists()


def test_a_manager_sets_no_limits_elsewhere(corpus: Corpus, manager: Client) -> None:
    other = make_library(slug="other")
    assert manager.post(f"{ADMIN}add/", {"corpus": other.pk, "similarity": "0.9"}).status_code == 200
    assert not SemanticCacheLimit.objects.exists()
    limit = SemanticCacheLimit.objects.create(corpus=other, is_off=True)
    assert manager.post(f"{ADMIN}{limit.pk}/change/", {"similarity": "0.1"}).status_code in {302, 403, 404}
    manager.post(ADMIN, {"action": "switch_on", "_selected_action": [limit.pk]})
    limit.refresh_from_db()
    assert (limit.similarity, limit.is_off) == (None, True)


@pytest.mark.parametrize("by_form", [True, False])
def test_it_is_switched_on_again_with_a_clean_sheet(corpus: Corpus, manager: Client, by_form: bool) -> None:
    report_all(corpus, OTHERS[:3])
    limit = SemanticCacheLimit.objects.get()
    assert "3" in manager.get(f"{ADMIN}{limit.pk}/change/").content.decode()
    if by_form:
        manager.post(f"{ADMIN}{limit.pk}/change/", {"similarity": "", "budget": ""})
    else:
        manager.post(ADMIN, {"action": "switch_on", "_selected_action": [limit.pk]})
    limit.refresh_from_db()
    assert (limit.is_off, limit.off_since) == (False, None)
    report_all(corpus, OTHERS[3:5])
    assert not is_off(corpus), "reports from before don't count any more"
    report_all(corpus, OTHERS[5:])
    assert is_off(corpus)


def test_a_form_from_before_does_not_switch_it_on(corpus: Corpus, manager: Client) -> None:
    limit = SemanticCacheLimit.objects.create(corpus=corpus)
    SemanticCacheLimit.objects.update(is_off=True)
    manager.post(f"{ADMIN}{limit.pk}/change/", {"similarity": "0.5", "budget": "", "is_off": "on"})
    limit.refresh_from_db()
    assert (limit.similarity, limit.is_off) == (0.5, True)


def test_a_superuser_lets_a_question_in_again(corpus: Corpus, manager: Client) -> None:
    report(hit(corpus))
    row = FalseHit.objects.get()
    path = f"/admin/querying/falsehit/{row.pk}/delete/"
    assert manager.post(path, {"post": "yes"}).status_code in {302, 403}
    assert FalseHit.objects.exists()
    manager.force_login(make_person(is_staff=True, is_superuser=True))
    assert manager.post(path, {"post": "yes"}).status_code == 302
    hit(corpus)
