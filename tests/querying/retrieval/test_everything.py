"""Without a named corpus all readable ones are asked; the demo only if there is no other."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from documents.access.policy import NOBODY, Principal, everything_of
from documents.access.question_scope import scope_of
from documents.models import Corpus
from querying.python_api.fetching import fetch_all_rag_data
from tests.factories import make_corpus, make_tenant, make_user
from tests.stock import stock

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How many days of holiday do we have?"
DEMO_TEXT = "Ask how many days of holiday we have."
OWN_TEXT = "Every employee has 28 days of holiday a year."


@pytest.fixture
def demo() -> Corpus:
    tenant = make_tenant(slug="demo", name="Demo")
    corpus = make_corpus(
        tenant=tenant, slug="ragsite-docs", name="The demo", is_public=True, is_demo=True,
        defaults={"suggestions": ["What is ragsite?"]},
    )  # fmt: skip
    stock(corpus, DEMO_TEXT, title="README")
    return corpus


def own(**fields: Any) -> Corpus:
    corpus = make_corpus(**{"slug": "handbook", "name": "Handbook", "is_public": True, **fields})
    stock(corpus, OWN_TEXT, title="Handbook")
    return corpus


def asked_of(principal: Principal = NOBODY, *names: str) -> list[str]:
    return [corpus.slug for corpus in scope_of(principal, names).corpora]


def test_alone_it_is_everything(demo: Corpus) -> None:
    assert asked_of() == ["ragsite-docs"]


def test_beside_documents_it_is_asked_by_its_name_only(demo: Corpus) -> None:
    own()
    assert asked_of() == ["handbook"]
    assert asked_of(NOBODY, "ragsite-docs") == ["ragsite-docs"]
    assert asked_of(NOBODY, "ragsite-docs", "handbook") == ["ragsite-docs", "handbook"]


def test_a_corpus_without_documents_pushes_nothing_out(demo: Corpus) -> None:
    corpus = make_corpus(slug="empty", is_public=True)
    assert sorted(asked_of()) == ["empty", "ragsite-docs"]
    stock(corpus, OWN_TEXT)
    assert asked_of() == ["empty"]


def test_nor_does_one_that_the_asker_may_not_read(demo: Corpus) -> None:
    tenant = make_tenant()
    own(tenant=tenant, is_public=False)
    assert asked_of() == ["ragsite-docs"]
    assert asked_of(Principal.of(make_user(role="reader", tenant=tenant))) == ["handbook"]


def test_corpora_that_are_no_demo_stay_all_in(demo: Corpus) -> None:
    assert everything_of([]) == []
    own()
    own(slug="rules")
    assert sorted(asked_of()) == ["handbook", "rules"]


@pytest.mark.parametrize("path", ["/api/v1/query", "/api/v1/search", "/api/query", "/ask"])
def test_every_route_asks_the_same(demo: Corpus, path: str) -> None:
    own()
    reply = APIClient().post(path, {"query": QUESTION}, format="json").json()
    assert [passage["corpus"] for passage in reply["passages"]] == ["handbook"]
    named = {"query": QUESTION, "corpora": ["ragsite-docs"]}
    reply = APIClient().post("/api/v1/search", named, format="json").json()
    assert [passage["corpus"] for passage in reply["passages"]] == ["ragsite-docs"]


def test_a_program_asks_the_same(demo: Corpus) -> None:
    own()
    assert fetch_all_rag_data(QUESTION, principal=NOBODY).corpora == ("handbook",)


def page() -> str:
    return Client().get("/").content.decode()


def test_the_page_offers_the_only_other_corpus_first(demo: Corpus) -> None:
    assert re.findall(r'<option value="([^"]*)"', page()) == ["demo/ragsite-docs"]
    corpus = own(tenant=make_tenant(slug="zoo"))
    html = page()
    assert re.findall(r'<option value="([^"]*)"', html) == [f"zoo/{corpus.slug}", "demo/ragsite-docs"]
    assert '<ul data-corpus="demo/ragsite-docs" data-alone hidden>' in html


def test_the_page_says_what_everything_is(demo: Corpus) -> None:
    for number in range(5):
        own(slug=f"c{number}", name=f"C{number}")
    html = " ".join(page().split())
    assert "everything (5 corpora)" in html
    assert "Everything is C0, C1, C2 and 2 more. The demo is searched only when you choose it." in html
    Corpus.objects.filter(pk=demo.pk).delete()
    html = " ".join(page().split())
    assert "everything (5 corpora)" in html
    assert "only when you choose it" not in html
