"""A document without a title has a name wherever one is shown."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from documents.text.names import name_to_show
from querying.generation.phrases import not_in_these_documents, see_these_passages
from tests.factories import make_corpus
from tests.querying.passages import make_passage
from tests.stock import stock

TEXT = "Employees get 25 days of paid leave per calendar year, and keep what they don't use until the end of March."


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("Handbook", "h.pdf", "Leave", TEXT), "Handbook"),
        (("  ", "archive/2024/h.pdf", "Leave", TEXT), "h.pdf"),
        (("", "C:\\archive\\h.pdf", "", ""), "h.pdf"),
        (("", "", "Staff > Leave", TEXT), "Leave"),
        (("", "", "", TEXT), "Employees get 25 days of paid leave per calendar year, and …"),
        (("", "", "", f"\n## {TEXT}"), "Employees get 25 days of paid leave per calendar year, and …"),
        (("", "", "", "x" * 99), "x" * 60 + " …"),
        (("\u200b", "\u200b", "", " "), "Untitled document"),
    ],
)
def test_a_name_is_never_empty(parts: tuple[str, str, str, str], name: str) -> None:
    assert name_to_show(*parts) == name


def test_a_refusal_names_untitled_documents() -> None:
    passages = [make_passage(TEXT, document_title=""), make_passage("Rail is preferred.", document_title="")]
    for sentence in (not_in_these_documents(passages, "en"), see_these_passages(passages, "en")):
        assert "“”" not in sentence
        assert sentence.count("“") == 2 or "“a.txt”" in sentence


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("question", ["How many days of paid leave do employees get?", "Who wrote the opera Fidelio?"])
@pytest.mark.parametrize("path", ["/api/v1/query", "/api/query", "/ask"])
def test_every_route_names_what_it_shows(question: str, path: str) -> None:
    corpus = make_corpus(is_public=True, slug="handbook")
    stock(corpus, TEXT)
    reply: dict[str, Any] = APIClient().post(path, {"query": question}, format="json").json()
    assert "“”" not in reply["answer"]
    shown = [passage["title"] for passage in reply["passages"]]
    shown += [citation["document"]["title"] for citation in reply["citations"]]
    shown += [row["title"] for row in reply.get("metadatas", [])]
    assert set(shown) <= {"Employees get 25 days of paid leave per calendar year, and …"}
    assert "" not in shown
    assert bool(reply["citations"]) is reply["answerable"]


@pytest.mark.django_db(transaction=True)
def test_the_command_and_a_search_name_it_too() -> None:
    corpus = make_corpus(is_public=True, slug="handbook")
    stock(corpus, TEXT, source="handbook/leave.pdf")
    out = io.StringIO()
    call_command("ask", "handbook", "How many days of paid leave do employees get?", stdout=out)
    assert "[1] leave.pdf (handbook/leave.pdf)" in out.getvalue()
    reply = APIClient().post("/api/v1/search", {"query": "paid leave"}, format="json").json()
    assert [passage["title"] for passage in reply["passages"]] == ["leave.pdf"]
    assert "“”" not in json.dumps(reply)
