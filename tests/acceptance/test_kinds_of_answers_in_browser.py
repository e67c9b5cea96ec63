"""What a reader sees of an earlier answer, of one that is doubted, and of none at all. The server is scripted."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.acceptance import scripted_api as api
from tests.browser import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("tests.acceptance.scripted_api"),
]
EARLIER: dict[str, Any] = {
    "answer_mode": "cached",
    "original_mode": "extractive",
    "cache": {"hit": True, "similarity": 1.0, "age_seconds": 7300},
}
REFUSED: dict[str, Any] = {
    "answer_mode": "passages",
    "answerable": False,
    "degraded_reasons": [{"code": "not_in_documents", "message": "x"}],
    "citations": [],
}
UNCERTAIN: dict[str, Any] = {
    "degraded_reasons": [{"code": "uncertain", "message": "The documents may not hold the answer."}]
}


def ask(page: Browser, *scripts: api.Script) -> None:
    api.SCRIPT[:] = scripts
    page.find("#question").clear()
    page.find("#question").send_keys("How long?", Keys.ENTER)
    page.wait_until_shown("#tools")


def test_an_earlier_answer_looks_as_it_did_and_can_be_asked_anew(page: Browser) -> None:
    ask(page, api.answer("An earlier one. [1]", **EARLIER), api.answer("A new one. [1]", answer_mode="extractive"))
    assert page.find("#answer").get_attribute("data-mode") == "extractive"
    page.find("#corpus").send_keys(Keys.END)  # what is chosen now is of no account
    page.wait_until_shown("#ask-again").send_keys(Keys.ENTER)
    page.wait_for(lambda: "A new one." in page.find("#answer").text)
    page.wait_until_shown("#tools")
    first, second = api.ASKED
    assert second == {**first, "use_cache": False}
    assert not page.find("#earlier").is_displayed()
    assert page.run("return document.activeElement.id") == "asked", "the keyboard is where the answer is"
    assert page.complaints() == []


def test_what_is_near_is_no_source_of_an_answer_that_there_is_not(page: Browser) -> None:
    # Whatever the server sends: a card that is "cited", or bears a figure, would pass for a source.
    ask(page, api.answer("Nothing. What comes nearest: “Staff handbook”.", **{**REFUSED, "citations": [api.CITATION]}))
    assert page.find("#sources-title").text == "Nearest passages"
    assert page.find_all(".source.cited") == []
    card = page.find(".source").text
    assert "Staff handbook" in card
    assert "cited" not in card
    assert "0.87" not in card
    ask(page, api.answer())
    assert page.find("#sources-title").text == "Sources"
    assert "cited" in page.find(".source.cited").text
    assert "0.87" not in page.find(".source").text, "it is no measure of trust"


def test_doubt_stands_above_the_answer_and_only_there(page: Browser) -> None:
    ask(page, api.answer(**UNCERTAIN))
    warning = page.wait_until_shown("#uncertain")
    assert warning.text == "The documents may not hold the answer."
    assert warning.rect["y"] < page.find("#answer").rect["y"]
    assert "may not hold" not in page.find("#verdict").text
    ask(page, api.answer())
    assert not page.find("#uncertain").is_displayed()
