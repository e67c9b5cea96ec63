"""What the page says and does for every kind of answer, and when there is none. The server's part is scripted."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from selenium.webdriver.common.keys import Keys

from tests.acceptance import scripted_api as api
from tests.browser import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("tests.acceptance.scripted_api"),
]


def ask(page: Browser, *scripts: api.Script) -> None:
    api.SCRIPT[:] = scripts
    page.find("#question").clear()
    page.find("#question").send_keys("How long?", Keys.ENTER)


def never_begins(request: HttpRequest) -> HttpResponse:
    """Answer long after the reader has given up."""
    time.sleep(2.5)
    return HttpResponse(status=504)


def is_over(page: Browser) -> bool:
    state: str = page.run("return document.getElementById('result').hidden ? '' : document.body.dataset.state")
    return state == "ready"


def text_of(page: Browser, selector: str) -> str:
    return page.find(selector).text


KINDS: list[tuple[dict[str, Any], str, list[str]]] = [
    # answer_mode and what else the server says, the banner's tone, and what it must tell
    ({"answer_mode": "generated"}, "plain", ["Written by the language model", "llama3.2:1b"]),
    (
        {"answer_mode": "cached", "cache": {"hit": True, "age_seconds": 7300}},
        "plain",
        ["Written by the language model", "An earlier answer", "2 hours ago"],
    ),
    (
        {"answer_mode": "cached", "original_mode": "extractive", "cache": {"hit": True, "age_seconds": 61}},
        "plain",
        ["Quoted from the documents", "An earlier answer", "1 minute ago"],
    ),
    (
        {"answer_mode": "extractive", "degraded": True, "cache": {"hit": True, "age_seconds": 0.2}},
        "reduced",
        ["Quoted from the documents", "The same question was answered less than a minute ago"],
    ),
    (
        {"answer_mode": "cached_semantic", "cache": {"hit": True, "age_seconds": 61}},
        "plain",
        ["Written by the language model", "nearly the same", "1 minute ago"],
    ),
    (
        {
            "answer_mode": "stale",
            "degraded": True,
            "cache": {"hit": True, "age_seconds": 3 * 86400},
            "degraded_reasons": [{"code": "circuit_open", "message": "The language model is not available right now."}],
        },
        "old",
        [
            "Written by the language model",
            "An older answer",
            "3 days ago",
            "may have changed since",
            "not available right now",
        ],
    ),
    (
        {
            "answer_mode": "extractive",
            "degraded": True,
            "degraded_reasons": [{"code": "model_slow", "message": "The language model did not answer in time."}],
        },
        "reduced",
        ["Quoted from the documents", "word for word", "did not answer in time."],
    ),
    ({"answer_mode": "extractive"}, "plain", ["Quoted from the documents", "No language model is set up here."]),
    (
        {"degraded": True, "degraded_reasons": [{"code": "answer_cut", "message": "It stopped early."}]},
        "reduced",
        ["Written by the language model", "It stopped early."],
    ),
    ({"answer_mode": "passages", "degraded": True}, "reduced", ["Passages only"]),
    (
        {
            "answer_mode": "passages",
            "answerable": False,
            "degraded_reasons": [{"code": "not_in_documents", "message": "x"}],
        },
        "reduced",
        ["Not in these documents", "nearest passages"],
    ),
    ({"answer_mode": "of_the_future"}, "reduced", ["reduced way"]),
]


@pytest.mark.django_db
def test_the_page_says_plainly_what_kind_of_answer_it_shows(page: Browser) -> None:
    for fields, tone, words in KINDS:
        ask(page, api.answer("Until March. [1]", **fields))
        page.wait_for(lambda: is_over(page))
        assert page.find("#verdict").get_attribute("data-tone") == tone, fields
        for word in words:
            assert word in text_of(page, "#verdict"), fields
    assert page.complaints() == []


@pytest.mark.django_db
def test_a_refusal_is_told_in_words_and_trying_again_waits_as_long_as_asked(page: Browser) -> None:
    ask(page, api.problem(503, "More to do than time.", **{"Retry-After": "2"}), api.answer("Now it works."))
    page.wait_until_shown("#problem")
    assert "More to do than time." in text_of(page, "#problem")
    assert not page.find("#again").is_enabled()
    page.wait_for(page.find("#again").is_enabled)
    page.find("#again").click()
    page.wait_for(lambda: "Now it works." in text_of(page, "#answer"))
    assert not page.find("#problem").is_displayed()


@pytest.mark.django_db
def test_whoever_must_sign_in_is_told_where(page: Browser) -> None:
    ask(page, api.problem(401, "Sign in first."))
    page.wait_until_shown("#sign-in")


@pytest.mark.django_db
def test_who_signed_in_elsewhere_since_is_told_to_reload(page: Browser) -> None:
    ask(page, api.problem(403, "CSRF Failed: CSRF token from the 'X-Csrftoken' HTTP header incorrect."))
    page.wait_until_shown("#problem")
    assert "Reload it and ask again" in text_of(page, "#problem-text")


@pytest.mark.django_db
def test_a_field_error_is_told_rather_than_its_title(page: Browser) -> None:
    body = {"detail": "Look at errors.", "status": 400, "errors": [{"field": "query", "message": "Too long."}]}
    ask(page, lambda request: JsonResponse(body, status=400, content_type="application/problem+json"))
    page.wait_until_shown("#problem")
    assert text_of(page, "#problem-text") == "Too long."


@pytest.mark.django_db
def test_a_page_of_a_proxy_is_no_riddle(page: Browser) -> None:
    ask(page, lambda request: HttpResponse("<h1>Bad</h1>", status=502, content_type="application/xhtml+xml"))
    page.wait_until_shown("#problem")
    assert "restarting" in text_of(page, "#problem-text")


@pytest.mark.django_db
def test_an_answer_that_breaks_off_is_kept_and_called_incomplete(page: Browser) -> None:
    ask(page, api.stream(api.event("passages", [api.PASSAGE]), api.event("token", {"text": "Until the"})))
    page.wait_until_shown("#problem")
    assert "Until the" in text_of(page, "#answer")
    assert "incomplete" in text_of(page, "#problem-text")
    assert "ended before the answer did" in text_of(page, "#problem-text")
    assert not page.find("#tools").is_displayed()


@pytest.mark.django_db
def test_an_error_in_the_middle_of_a_stream_is_told(page: Browser) -> None:
    error = {"status": 504, "detail": "The time is over.", "code": "deadline_exceeded"}
    ask(page, api.stream(api.event("token", {"text": "Until"}), api.event("error", error)))
    page.wait_until_shown("#problem")
    assert "The time is over." in text_of(page, "#problem-text")


@pytest.mark.django_db
def test_a_stream_arrives_whole_however_it_is_cut(page: Browser) -> None:
    whole = api.event("token", {"text": "Nhà thầu 🏖 được"}).replace(b"\n", b"\r\n")
    single_bytes = [part for byte in b": beat\r\n\r\n" + whole for part in (bytes([byte]), 0.01)]
    ask(page, api.stream(*single_bytes, api.event("error", {"detail": "enough"})))
    page.wait_until_shown("#problem")
    assert text_of(page, "#answer") == "Nhà thầu 🏖 được"


@pytest.mark.django_db
def test_a_lost_connection_is_told(page: Browser) -> None:
    offline = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.cdp("Network.enable")
    page.cdp("Network.emulateNetworkConditions", offline=True, **offline)
    try:
        ask(page, api.answer())
        page.wait_until_shown("#problem")
        assert "connection to the server was lost" in text_of(page, "#problem-text")
    finally:
        page.cdp("Network.emulateNetworkConditions", offline=False, **offline)


@pytest.mark.django_db
def test_a_server_that_goes_quiet_is_given_up_and_heartbeats_keep_it_alive(page: Browser) -> None:
    page.run("ragsite.stream.limits.silenceMs = 1000")
    ask(
        page,
        api.stream(*[part for _ in range(8) for part in (b": beat\n\n", 0.3)], api.event("done", api.whole_answer())),
    )
    page.wait_for(lambda: is_over(page))
    assert page.find("#tools").is_displayed()
    ask(page, api.stream(api.event("token", {"text": "Un"}), 2.5, api.event("done", api.whole_answer())))
    page.wait_until_shown("#problem")
    assert "gone quiet" in text_of(page, "#problem-text")
    ask(page, never_begins)
    page.wait_until_shown("#problem")
    assert text_of(page, "#problem-text") == "The server has gone quiet."


@pytest.mark.django_db
def test_stop_keeps_what_came_and_gives_the_form_back(page: Browser) -> None:
    ask(
        page,
        api.stream(
            api.event("token", {"text": "Until the"}), *[part for _ in range(20) for part in (b": beat\n\n", 0.1)]
        ),
    )
    page.wait_for(lambda: "Until the" in text_of(page, "#answer"))
    page.find("#stop").click()
    page.wait_for(lambda: is_over(page))
    assert text_of(page, "#phase") == "Stopped. The answer above is incomplete."
    assert not page.find("#problem").is_displayed()
    assert page.find("#send").is_displayed()


@pytest.mark.django_db
def test_a_second_question_replaces_the_first_at_once(page: Browser) -> None:
    ask(page, api.stream(api.event("token", {"text": "Old"}), 1.5, api.event("done", api.whole_answer("Old answer"))))
    page.wait_for(lambda: "Old" in text_of(page, "#answer"))
    ask(page, api.answer("New answer"))
    page.wait_for(lambda: "New answer" in text_of(page, "#answer"))
    page.run("return new Promise((done) => setTimeout(done, 1800))")  # the old one would have ended by now
    assert text_of(page, "#answer") == "New answer"
    assert not page.find("#problem").is_displayed()


@pytest.mark.django_db
def test_what_readers_think_is_sent_with_the_answers_id(page: Browser) -> None:
    ask(page, api.answer())
    page.wait_until_shown("#tools")
    page.find("#good").click()
    page.wait_for(lambda: text_of(page, "#tools-note") == "Thank you.")
    page.find("#bad").click()
    page.wait_until_shown("#comment").send_keys("Too short")
    page.find("#comment-form button").click()
    page.wait_for(lambda: len(api.RATED) == 3)
    answer_id = api.whole_answer()["id"]
    assert [(said["query_id"], said["rating"], said["comment"]) for said in api.RATED] == [
        (answer_id, 1, ""),
        (answer_id, -1, ""),
        (answer_id, -1, "Too short"),
    ]
    assert page.find("#bad").get_attribute("aria-pressed") == "true"


@pytest.mark.django_db
def test_the_answer_can_be_copied_with_its_sources(page: Browser) -> None:
    page.cdp("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    ask(page, api.answer("Until the end of **March**. [1]"))
    page.wait_until_shown("#tools")
    page.find("#copy").click()
    page.wait_for(lambda: text_of(page, "#tools-note") == "Copied.")
    copied = page.run("return navigator.clipboard.readText()")
    assert copied == "Until the end of **March**. [1]\n\n[1] Staff handbook, page 3\n"


@pytest.mark.django_db
def test_timings_and_what_failed_can_be_looked_up(page: Browser) -> None:
    ask(page, api.answer(legs=[{"name": "dense", "status": "late", "ms": 200.0}]))
    page.wait_until_shown("#making summary").click()
    shown = text_of(page, "#making-list")
    for words in (
        "Search by words\n4 ms",
        "Vector of the question\nless than 1 ms",
        "“dense”\nlate",
        "611 read, 9 written",
    ):
        assert words in shown
