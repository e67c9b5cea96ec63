"""The whole way in a real browser: a question, its answer as it streams, a citation, and the sentence in its place.

Everything is real here: Postgres, indexing, retrieval, the API. Only Ollama is the stand-in, over real HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.keys import Keys

from documents.indexing.pipeline import index_document
from documents.models import Corpus
from monitoring.lab.ollama_simulator import StandIn
from querying.models import Feedback, QueryLog
from tests.browser import DESKTOP, PHONE, Browser
from tests.factories import make_corpus, make_tenant, make_user
from tests.uploads import upload

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HANDBOOK = """# Staff handbook 🏖

## Holidays

Every employee of the harbour office has thirty days of paid leave a year. Unused days of leave are kept until the end
of March of the following year. After that they lapse, unless the director of personnel has agreed in writing.

## Illness

Whoever falls ill calls the front desk before nine in the morning. A doctor's note is needed from the third day on.

## Expenses

Train journeys are paid in second class. Taxis are paid only when no train runs. Receipts go to the accounts office
within four weeks; the head of the department signs them.
"""
CRANES = """# Cranes on the north quay

The large crane lifts forty tonnes in calm weather. Above a wind speed of sixty kilometres per hour all cranes on the
north quay stop, and the booms are lowered. The crane driver decides alone, and nobody may overrule this.
"""
QUESTION = "Until when are unused days of leave kept?"


def fill(corpus: Corpus) -> None:
    for name, text in (("handbook.md", HANDBOOK), ("cranes.md", CRANES)):
        assert index_document(upload(corpus, text, name).pk) == "ready"


@pytest.fixture
def corpus() -> Corpus:
    return make_corpus(
        tenant=make_tenant(name="Harbour", slug="harbour"),
        name="Harbour rules", slug="rules", is_public=True, with_space=False,
        defaults={"suggestions": [QUESTION, "At which wind speed do the cranes stop?"]},
    )  # fmt: skip


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    """A model that takes a moment for each word, as a real one does."""
    with StandIn(first_token_seconds=0.2, tokens_per_second=25) as standin:
        settings.OLLAMA_BASE_URLS = [standin.url]
        yield standin


def ask(browser: Browser, question: str = QUESTION) -> None:
    browser.find("#question").clear()
    browser.find("#question").send_keys(question, Keys.ENTER)


def test_question_streamed_answer_citation_and_its_sentence(
    browser: Browser, live_server: LiveServer, corpus: Corpus, standin: StandIn
) -> None:
    fill(corpus)
    browser.open(live_server.url)
    ask(browser)
    lengths = set()

    def is_complete() -> bool:
        lengths.add(len(browser.find("#answer").text))
        return browser.find("#tools").is_displayed()

    browser.wait_for(is_complete)
    assert len(lengths) > 3, "it came as a stream, not in one piece"
    assert "Written by the language model" in browser.find("#verdict").text
    assert "March" in browser.find("#answer").text
    assert browser.find("#phase").text.startswith("Answered in")
    browser.screenshot("real-generated-answer")

    browser.find("#answer .cite").click()
    mark = browser.wait_until_shown("#passage mark")
    assert "until the end\nof March" in mark.text
    assert "thirty days" in browser.find("#passage-text").text, "the context is there too"
    assert browser.find("#passage-title").text.startswith("Staff handbook")
    assert "Holidays" in browser.find("#passage-place").text
    browser.screenshot("real-citation", whole_page=False)
    browser.find("#passage-close").click()
    browser.find_all("#answer .cite")[1].click()  # the same source for another claim
    browser.wait_for(lambda: "thirty days of paid leave" in browser.find("#passage mark").text)
    browser.find("#passage-close").click()

    browser.find("#good").click()
    browser.wait_for(lambda: browser.find("#tools-note").text == "Thank you.")
    assert Feedback.objects.get().query.question == QUESTION
    assert browser.complaints() == []
    assert all(address.startswith(live_server.url) for address in browser.fetched())


def test_a_document_that_holds_markup_is_quoted_word_for_word_and_nothing_of_it_is_live(
    browser: Browser, live_server: LiveServer, corpus: Corpus
) -> None:
    hostile = (
        "# Harbour\n\n## Mooring\n\n"
        "The mooring fee is 12 euros <img src=x onerror=document.title='owned'> a night, see "
        "[the list](https://evil.example) or https://evil.example/fees or map[1].\n\n"
        "## Water\n\nThe water of the mooring is free of charge."
    )
    assert index_document(upload(corpus, hostile, "mooring.md").pk) == "ready"
    browser.open(live_server.url)
    ask(browser, "How many euros is the mooring fee a night?")
    browser.wait_until_shown("#tools")
    first = browser.find("#answer p")
    for said in ["<img src=x onerror=document.title='owned'>", "[the list](https://evil.example)", "map[1]"]:
        assert said in first.text
    assert "link removed" not in first.text
    assert browser.find_all("#answer a, #answer img, #source-list a, #source-list img") == []
    assert browser.driver.title != "owned"
    browser.find("#answer .cite").click()
    assert "onerror" in browser.wait_until_shown("#passage mark").text
    assert browser.find("#passage-place").text == "Mooring"
    browser.find("#passage-close").click()
    assert browser.complaints() == []
    assert all(address.startswith(live_server.url) for address in browser.fetched())


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_without_a_model_sentences_are_quoted_and_that_is_said(
    browser: Browser, live_server: LiveServer, corpus: Corpus, size: tuple[int, int]
) -> None:
    fill(corpus)
    browser.open(live_server.url, size=size)
    browser.find(".suggestion").click()
    browser.wait_until_shown("#tools")
    assert "No language model is set up here" in browser.find("#verdict").text
    assert "Unused days of leave are kept until" in browser.find("#answer").text
    browser.screenshot(f"real-quoted-answer-{'phone' if size == PHONE else 'desktop'}")
    browser.find("#answer .cite").click()
    assert "Unused days of leave are kept" in browser.wait_until_shown("#passage mark").text
    assert browser.complaints() == []


def test_when_the_model_goes_away_the_page_still_answers_and_says_why(
    browser: Browser, live_server: LiveServer, corpus: Corpus, standin: StandIn
) -> None:
    fill(corpus)
    standin.stop()
    browser.open(live_server.url)
    ask(browser)
    browser.wait_until_shown("#tools")
    assert browser.find("#verdict").get_attribute("data-tone") == "reduced"
    assert "Quoted from the documents" in browser.find("#verdict").text
    assert "language model" in browser.find("#verdict-reasons").text  # unreachable, or left alone since
    assert "March" in browser.find("#answer").text
    browser.screenshot("real-model-gone")


def test_what_is_not_in_the_documents_is_said_to_be_not_in_them(
    browser: Browser, live_server: LiveServer, corpus: Corpus
) -> None:
    fill(corpus)
    browser.open(live_server.url)
    ask(browser, "Which composer wrote the opera about a flying Dutchman?")
    browser.wait_until_shown("#tools")
    assert "Not in these documents" in browser.find("#verdict").text
    browser.screenshot("real-not-in-documents")


def test_an_empty_corpus_can_be_asked_and_has_no_answer(
    browser: Browser, live_server: LiveServer, corpus: Corpus
) -> None:
    browser.open(live_server.url)
    assert browser.find("#empty").is_displayed()
    ask(browser)
    browser.wait_until_shown("#tools")
    assert browser.find("#verdict").text == "Not in these documents. Nothing in them answers this."
    assert not browser.find("#sources").is_displayed()
    assert browser.complaints() == []


def test_a_reader_who_stops_is_logged_as_one_who_left(
    browser: Browser, live_server: LiveServer, corpus: Corpus, standin: StandIn
) -> None:
    fill(corpus)
    standin.set(tokens_per_second=4)
    browser.open(live_server.url)
    ask(browser)
    browser.wait_for(lambda: browser.find("#answer").text != "")
    browser.find("#stop").click()
    assert browser.wait_until_shown("#send")
    assert "incomplete" in browser.find("#phase").text
    browser.wait_for(lambda: QueryLog.objects.filter(outcome="client_left").exists())


def test_a_member_signs_in_and_asks_what_others_cannot(
    browser: Browser, live_server: LiveServer, corpus: Corpus
) -> None:
    Corpus.objects.filter(pk=corpus.pk).update(is_public=False)
    fill(corpus)
    make_user(username="anna", password="a-long-password", role="reader", tenant=corpus.tenant)
    board = Group.objects.create(name="board")
    secret = upload(corpus, "The harbour is to be sold to the town of Elm next spring.", "sale.txt", readers=[board])
    index_document(secret.pk)
    browser.open(live_server.url)
    assert "no public documents" in browser.find("main").text
    browser.screenshot("real-nothing-public")
    browser.find(".nothing a").click()
    browser.wait_until_shown("#id_username").send_keys("anna")
    browser.screenshot("sign-in")
    browser.find("#id_password").send_keys("a-long-password", Keys.ENTER)
    browser.wait_until_shown("#question")
    ask(browser)
    browser.wait_until_shown("#tools")
    assert "March" in browser.find("#answer").text
    ask(browser, "To whom is the harbour to be sold next spring?")
    browser.wait_for(
        lambda: browser.find("#asked").text.startswith("To whom") and browser.find("#tools").is_displayed()
    )
    assert "Elm" not in browser.find("#result").text
    browser.find(".top .link").click()
    browser.wait_until_shown(".nothing")
    assert browser.complaints() == []
