"""Whoever tries ragsite by its own questions gets the right sentence first.

The questions are read out of the page, README.md and docs/, so that a new one is asked here by itself: without an
entry in the tables it fails, and so does an entry that nobody asks any more.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from documents.models import Corpus
from monitoring.serving.first_start import DEMO_CORPUS, index_demo_corpus
from querying.text.sentences import sentences_of
from ragsite.paths import PROJECT
from tests.factories import make_corpus
from tests.querying.library import add_document

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
Words = tuple[str, ...]

# question -> words of the sentence that must be quoted first
OF_THE_DEMO: Mapping[str, Words] = {
    "How do I start ragsite?": ("To start ragsite", "make run"),
    "How do I stop ragsite?": ("To stop ragsite", "Ctrl-C"),
    "What happens when the model server is down?": ("still answers", "sentences quoted from the documents"),
    "What happens when the embedding model is down too?": ("keyword search", "alone"),
    "Which file formats can be uploaded?": ("PDF", "DOCX", "EPUB"),
    "How do I read scanned documents?": ("install text recognition", "OCR=1 make run"),
    "What is read of the pages of a PDF?": ("what a reader of them sees", "columns"),
    "What is read of slides?": ("text by its position", "the numbers of charts"),
    "How do I upload documents?": ("in the admin", "manage.py ingest"),
    "How do I change the embedding model of a corpus?": ("manage.py reindex CORPUS --model",),
    "Who may read which documents?": ("Members of a tenant", "reader groups"),
    "Does anything leave the building?": ("never leave the building", "your disk"),
    "Why does it say that something is not in the documents?": ("come nearest", "too little of the question"),
    "When do two questions get the same answer?": ("the same words", "in other words"),
    "What if a question got the answer to another question?": ("This answers another question",),
    "Can I have a new answer instead of an earlier one?": ("Ask again",),
    "What is asked when I choose no corpus?": ("all corpora that you may read", "except the demo"),
    "How do I get an API key?": ("manage.py create_api_key",),
    "How do I back up ragsite?": ("pg_dump", "MEDIA_ROOT"),
}
# Asked by newcomers, in words of their own.
ASKED_OF_THE_DEMO: Mapping[str, Words] = {
    "How do I start it?": ("To start ragsite", "make run"),
    "How do I stop it?": ("To stop ragsite", "Ctrl-C"),
    "How can I start the server?": ("With servers of your own", "manage.py serve"),
    "How do I run the tests?": ("make test",),
}
OF_OWN_DOCUMENTS: Mapping[str, Words] = {
    "How many days of holiday do we have?": ("28 days of holiday",),
    "Who approves travel?": ("approved by the head of department",),
    "Who approves flights?": ("approved by a director",),
    "Where may I park?": ("park for free behind the main building",),
    "How many days of paid leave do employees get?": ("25 days of paid leave",),
    "How much do visitors pay for parking?": ("two euros per hour",),
}
HANDBOOK = """# Staff handbook

## Holidays
Every employee has 28 days of holiday per calendar year. Days that are not used are kept until the end of March.

## Travel
Business travel is approved by the head of department. Rail is preferred.

## Flights
Flights are approved by a director, at least a week before.
"""
RULES = """# Rules of the other site

## Leave
Employees get 25 days of paid leave per calendar year. Apply for them in writing.

## Cars
Employees may park for free behind the main building. Visitors pay two euros per hour for parking at the machine.
"""
_CODE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_QUOTED_QUESTION = re.compile(r"\"([A-Z][^\"\n]*\?)\"")
_LISTED_QUESTION = re.compile(r"\s{2}([A-Z][^\"\n]*\?)$", re.MULTILINE)


def headings() -> list[str]:
    return re.findall(r"^#+ (.*\?)$", (PROJECT / "docs" / "questions.md").read_text(), re.MULTILINE)


def examples() -> list[str]:
    """Return the questions in blocks of code."""
    code = "\n".join(block for page in PAGES for block in _CODE.findall(page.read_text()))
    return _QUOTED_QUESTION.findall(code) + _LISTED_QUESTION.findall(code)


def suggestions() -> list[str]:
    page = Client().get("/").content.decode()
    return [html.unescape(each) for each in re.findall(r'class="suggestion">([^<]+)<', page)]


def ask(question: str, **options: Any) -> dict[str, Any]:
    body = {"query": question, "use_cache": False, **options}
    reply: dict[str, Any] = APIClient().post("/api/v1/query", body, format="json").json()
    return reply


def first_sentence(answer: str) -> str:
    """Return the first sentence of the first quote."""
    quote = re.match(r"“(.*?)”", answer, re.DOTALL)
    if quote is None:
        return f"(no quote) {answer}"
    [first, *_] = sentences_of(quote[1])
    return quote[1][first.start : first.end]


def wrong(questions: Iterable[str], expected: Mapping[str, Words], **options: Any) -> dict[str, str]:
    """Return the questions whose first sentence isn't the right one, with what it is."""
    found = {question: first_sentence(ask(question, **options)["answer"]) for question in questions}
    return {
        question: sentence
        for question, sentence in found.items()
        if not all(words in sentence for words in expected[question])
    }


@pytest.fixture
def demo() -> Corpus:
    """Return the demo corpus as `make run` makes it."""
    assert "11 indexed, 0 unchanged, 0 failed" in index_demo_corpus()
    return Corpus.objects.get(slug=DEMO_CORPUS)


@pytest.fixture
def handbook(demo: Corpus) -> Corpus:
    """Return documents of the reader's own, beside the demo."""
    corpus = make_corpus(slug="handbook", is_public=True)
    add_document(corpus, HANDBOOK, "handbook.md")
    add_document(corpus, RULES, "rules.md")
    return corpus


def test_every_question_is_known_here(demo: Corpus) -> None:
    assert len(suggestions()) == 3
    assert len(headings()) > 10
    assert len(examples()) > 5
    assert {*suggestions(), *headings(), *examples()} == {*OF_THE_DEMO, *OF_OWN_DOCUMENTS}


def test_every_documented_question(demo: Corpus) -> None:
    assert wrong(OF_THE_DEMO, OF_THE_DEMO) == {}
    assert wrong(ASKED_OF_THE_DEMO, ASKED_OF_THE_DEMO) == {}


def test_every_question_to_documents_of_ones_own(handbook: Corpus) -> None:
    assert wrong(OF_OWN_DOCUMENTS, OF_OWN_DOCUMENTS) == {}
    assert wrong(OF_THE_DEMO, OF_THE_DEMO, corpora=[DEMO_CORPUS]) == {}, "it can be asked by its name"


def test_the_demo_knows_nothing_of_anybodys_own_documents(demo: Corpus) -> None:
    replies = {question: ask(question) for question in OF_OWN_DOCUMENTS}
    assert {question: reply["answer"] for question, reply in replies.items() if reply["answerable"]} == {}
    assert all(reply["citations"] == [] for reply in replies.values())
