"""From an uploaded document to the citation: the page and the headings are those of the quote, also from a cache."""

from __future__ import annotations

import io

import pytest

from documents.indexing.pipeline import index_document
from documents.models import Chunk, Corpus
from documents.uploads.acceptance import accept_upload
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering.pipeline import answer_question
from querying.cachestore.memory import memory
from querying.caching.searches import search_memory
from querying.types import Answer, AnswerMode
from tests.documents.extraction import making
from tests.factories import make_corpus
from tests.querying.asking import ask

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = ["The kitchen opens at seven.", "The garage is cleaned on Mondays.", "Lost badges cost fifteen euros."]
QUESTION = "What do lost badges cost?"


@pytest.fixture
def corpus() -> Corpus:
    corpus = make_corpus(slug="house", is_public=True)
    document = accept_upload(corpus, file=io.BytesIO(making.pdf([making.line(each) for each in PAGES])), name="a.pdf")
    index_document(document.document.pk)
    return corpus


def place_of(answer: Answer) -> tuple[int | None, str]:
    (citation,) = [each for each in answer.citations if "badges" in each.quote]
    return citation.page, citation.quote


@pytest.mark.usefixtures("standin")
def test_a_quote_from_a_later_page_of_its_passage_names_that_page(corpus: Corpus) -> None:
    chunk = Chunk.objects.get()  # all pages are in one passage
    assert chunk.page == 1
    assert chunk.borders == [[chunk.text.index(PAGES[1]), 2, ""], [chunk.text.index(PAGES[2]), 3, ""]]

    assert place_of(answer_question(ask(corpus, QUESTION))) == (3, PAGES[2])

    again = answer_question(ask(corpus, QUESTION))
    assert (again.mode, place_of(again)) == (AnswerMode.CACHED, (3, PAGES[2]))

    memory().clear()  # from the database, as another process has it
    again = answer_question(ask(corpus, QUESTION))
    assert (again.mode, place_of(again)) == (AnswerMode.CACHED, (3, PAGES[2]))
    assert again.passages[0].borders == ((chunk.borders[0][0], 2, ""), (chunk.borders[1][0], 3, ""))


def test_the_passages_of_a_question_are_kept_with_their_borders(corpus: Corpus, standin: StandIn) -> None:
    standin.stop()
    answers = [answer_question(ask(corpus, QUESTION))]
    search_memory().clear()
    answers.append(answer_question(ask(corpus, QUESTION)))

    assert [place_of(each) for each in answers] == [(3, PAGES[2])] * 2


@pytest.mark.usefixtures("standin")
def test_a_passage_stored_before_borders_were_noted_names_its_first_page(corpus: Corpus) -> None:
    Chunk.objects.update(borders=None)

    assert place_of(answer_question(ask(corpus, QUESTION))) == (1, PAGES[2])
