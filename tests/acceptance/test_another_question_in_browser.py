"""The button for readers who were given the answer to another question; the server's part is scripted."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from tests.acceptance import scripted_api as api
from tests.browser import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("tests.acceptance.scripted_api"),
]
ALIKE = {"answer_mode": "cached_semantic", "cache": {"hit": True, "similarity": 0.93, "age_seconds": 61}}


def ask(page: Browser, *scripts: api.Script) -> None:
    api.SCRIPT[:] = scripts
    page.find("#question").clear()
    page.find("#question").send_keys("How long?", Keys.ENTER)
    page.wait_until_shown("#tools")


def test_the_reader_says_so_by_keyboard_and_is_answered_anew(page: Browser) -> None:
    ask(page, api.answer("An older one. [1]", **ALIKE), api.answer("The right one. [1]"))
    button = page.wait_until_shown("#wrong-question")
    page.screenshot("another-question")
    button.send_keys(Keys.ENTER)
    page.wait_for(lambda: "The right one." in page.find("#answer").text)
    page.wait_until_shown("#tools")
    assert not page.find("#wrong-question").is_displayed()
    told = [body.get("use_cache") for body in api.ASKED]
    assert told == [None, False]
    assert [body["query"] for body in api.ASKED] == ["How long?", "How long?"]
    [rated] = api.RATED
    assert rated == {"query_id": api.whole_answer()["id"], "rating": -1, "reason": "wrong_question"}
    assert page.run("return document.activeElement.id") == "asked", "the keyboard is where the answer is"
    assert page.complaints() == []


@pytest.mark.parametrize("mode", ["generated", "cached", "extractive"])
def test_other_answers_have_no_such_button(page: Browser, mode: str) -> None:
    ask(page, api.answer(answer_mode=mode, cache={"hit": mode == "cached", "similarity": 1.0, "age_seconds": 61}))
    assert not page.find("#wrong-question").is_displayed()
