"""The page on a phone, by keyboard, in the dark, read out, and without JavaScript."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.acceptance import scripted_api as api
from tests.browser import DESKTOP, PHONE, Browser
from tests.factories import make_corpus, make_tenant

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.acceptance.scripted_api"), pytest.mark.django_db]

LONG = (
    "Unused leave is kept **until the end of March**. [1] After that it lapses. [1][2]\n\n"
    "| Kind of leave | Days | Remark about the kind of leave |\n|---|---|---|\n| Paid | 30 | all year |\n\n"
    "```\nleave request --days 5 --until 2024-03-31 --and-a-very-long-option-that-does-not-fit\n```\n\n"
    "Averylongwordwithoutanyplacetobreakwhichmustnotmakethepagewiderthanthephonethatitisshownon"
)
OTHER = {
    **api.PASSAGE,
    "number": 2,
    "chunk_id": 8,
    "title": "Works_agreement_on_flexible_working_time_and_leave_2024.docx",
    "page": None,
}


@pytest.fixture
def url(live_server: LiveServer) -> str:
    make_corpus(
        tenant=make_tenant(name="Personnel", slug="personnel"),
        name="Staff handbook", slug="handbook", is_public=True, chunk_count=5,
        defaults={"suggestions": ["How many days of leave do I have?", "Who signs expenses?"]},
    )  # fmt: skip
    make_corpus(tenant=make_tenant(name="IT"), name="Guides for everything that has a plug", is_public=True)
    api.ASKED.clear()
    api.SCRIPT[:] = [api.answer(LONG, passages=[api.PASSAGE, OTHER])]
    return live_server.url


def ask(browser: Browser) -> None:
    browser.find("#question").send_keys("What happens to unused leave?", Keys.ENTER)
    browser.wait_until_shown("#tools")


def press(browser: Browser, *keys: str) -> None:
    ActionChains(browser.driver).send_keys(*keys).perform()


def focused(browser: Browser) -> str:
    name: str = browser.run("const it = document.activeElement; return it.id || it.className || it.localName")
    return name


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_and_is_legible(browser: Browser, url: str, size: tuple[int, int], dark: bool) -> None:
    name = f"{'dark' if dark else 'light'}-{'phone' if size == PHONE else 'desktop'}"
    browser.open(url, size=size, dark=dark)
    looks_right(browser, size, f"start-{name}")
    ask(browser)
    looks_right(browser, size, f"answer-{name}")
    browser.find("#answer .cite").click()
    browser.wait_until_shown("mark")
    looks_right(browser, size, f"passage-{name}")
    browser.find("#passage-close").click()
    api.SCRIPT[:] = [api.problem(503, "The server has more to do than it can finish in time.", **{"Retry-After": "9"})]
    browser.find("#question").send_keys(Keys.ENTER)
    browser.wait_until_shown("#problem")
    looks_right(browser, size, f"problem-{name}")


def looks_right(browser: Browser, size: tuple[int, int], name: str) -> None:
    """Nothing is wider than the window, everything has the contrast of WCAG AA, and targets can be hit."""
    browser.screenshot(name, whole_page=not browser.run("return document.getElementById('passage').open"))
    assert browser.run("return document.documentElement.scrollWidth") <= size[0], name
    assert browser.run(CONTRASTS) == [], name
    assert browser.run(SMALL_TARGETS) == [], name


# Texts whose contrast to what is behind them is below 4.5 : 1 (3 : 1 for large ones)
CONTRASTS = """
const channels = (colour) => {
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
};
const over = (top, below) => top.slice(0, 3).map((value, i) => (value * top[3] + below[i] * (255 - top[3])) / 255);
const behind = (element) => {
  if (!element) return channels("Canvas").slice(0, 3);
  return over(channels(getComputedStyle(element).backgroundColor), behind(element.parentElement));
};
const luminance = (colour) => colour
  .map((value) => value / 255)
  .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
const inDialog = document.querySelector("dialog[open]");
const bad = [];
for (const element of (inDialog || document.body).querySelectorAll("*")) {
  const texts = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
  if (!texts.length || !element.checkVisibility()) continue;
  if (element.closest(":disabled, option, .visually-hidden, .skip")) continue;
  const style = getComputedStyle(element);
  const back = behind(element);
  const [one, two] = [luminance(over(channels(style.color), back)), luminance(back)];
  const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  const name = `${element.localName}.${element.className}`;
  if (contrast < (large ? 3 : 4.5)) bad.push(`${name} ${contrast.toFixed(2)} ${texts[0].data}`);
}
return bad;
"""

# Buttons and fields of less than 24 x 24 pixels
SMALL_TARGETS = """
return [...document.querySelectorAll("button, select, textarea, input, summary")]
  .filter((element) => element.checkVisibility() && !element.closest(".top nav"))
  .map((element) => [element, element.getBoundingClientRect()])
  .filter(([element, box]) => box.width < 24 || box.height < 23.9)
  .map(([element, box]) => `${element.localName}#${element.id}.${element.className} ${box.width} x ${box.height}`);
"""


def test_everything_can_be_done_by_keyboard(browser: Browser, url: str) -> None:
    browser.open(url)
    press(browser, Keys.TAB)
    assert focused(browser) == "skip"
    press(browser, Keys.ENTER, Keys.TAB)
    assert focused(browser) == "question"
    press(browser, "What happens to")
    ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
    press(browser, "unused leave?", Keys.ENTER)
    browser.wait_until_shown("#tools")
    assert api.ASKED[-1]["query"] == "What happens to\nunused leave?"
    for _ in range(12):
        press(browser, Keys.TAB)
        if focused(browser) == "cite":
            break
    opened_by = browser.run("return document.activeElement")
    press(browser, Keys.ENTER)
    browser.wait_until_shown("mark")
    assert focused(browser) == "passage-close"
    for _ in range(6):  # the focus stays in the panel, or goes to the browser's own bars
        press(browser, Keys.TAB)
        assert browser.run("const it = document.activeElement; return it === document.body || !!it.closest('#passage')")
    press(browser, Keys.ESCAPE)
    browser.wait_for(lambda: not browser.find("#passage").is_displayed())
    assert browser.run("return document.activeElement") == opened_by


def test_the_focus_can_be_seen_on_every_control(browser: Browser, url: str) -> None:
    browser.open(url)
    ask(browser)
    unseen = []
    browser.run("document.getElementById('main').focus()")
    for _ in range(25):
        press(browser, Keys.TAB)
        seen = browser.run(
            """
            const it = document.activeElement;
            if (it === document.body) return true;
            const shown = (element) => { const style = getComputedStyle(element);
              return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2; };
            const around = it.closest(".composer");
            return shown(it) || (around && getComputedStyle(around).boxShadow.includes("0px 0px 0px 1px"));
            """
        )
        if not seen:
            unseen.append(focused(browser))
    assert unseen == []


def test_a_citation_opens_its_sentence_in_its_place_and_gives_the_focus_back(browser: Browser, url: str) -> None:
    browser.open(url)
    ask(browser)
    cite = browser.find("#answer .cite")
    assert cite.accessible_name == "Source 1: Staff handbook, page 3"
    cite.click()
    mark = browser.wait_until_shown("mark")
    assert mark.text == api.SENTENCE
    assert browser.find("#passage-title").text == "Staff handbook"
    assert browser.find("#passage-place").text == "Page 3 · Holidays › Carrying over"
    assert browser.find("#passage-text").text.startswith("Staff handbook 🏖")
    assert browser.find("#passage-text").text.endswith("Call before nine.")
    press(browser, Keys.ESCAPE)
    browser.wait_for(lambda: not browser.find("#passage").is_displayed())
    assert browser.run("return document.activeElement") == cite


def test_a_passage_of_a_changed_or_deleted_document_is_shown_as_it_was_answered_from(
    browser: Browser, url: str
) -> None:
    text = api.PASSAGE["text"]
    changed = {**api.PASSAGE, "text": text.replace("30 days", "25 days")}
    gone = {**changed, "document_id": "00000000-0000-0000-0000-000000000000"}
    for passage, words in ((changed, "has changed since"), (gone, "no such document, or you may not read it")):
        api.SCRIPT[:] = [api.answer(passages=[passage])]
        browser.open(url)
        ask(browser)
        browser.find("#answer .cite").click()
        browser.wait_until_shown("#passage-note")
        assert words in browser.find("#passage-note").text
        assert "25 days" in browser.find("#passage-text").text
        assert browser.find("mark").text == api.SENTENCE


def test_the_corpus_is_sent_and_remembered_and_its_suggestions_ask(browser: Browser, url: str) -> None:
    browser.open(url)
    assert [button.text for button in browser.find_all(".suggestion") if button.is_displayed()] != []
    browser.find("#corpus option[value='personnel/handbook']").click()
    browser.open(url)
    assert browser.find("#corpus").get_property("value") == "personnel/handbook"
    browser.find(".suggestion").click()
    browser.wait_until_shown("#tools")
    assert api.ASKED[-1] == {
        "query": "How many days of leave do I have?",
        "corpora": ["personnel/handbook"],
        "stream": True,
    }
    assert browser.find("#asked").text == "How many days of leave do I have?"


def test_an_empty_corpus_says_how_documents_get_into_it(browser: Browser, url: str) -> None:
    browser.open(url)
    assert not browser.find("#empty").is_displayed()
    browser.find("#corpus option[data-empty]").click()
    assert "nothing to find here yet" in browser.find("#empty").text


def test_controls_have_names_and_the_page_has_landmarks(browser: Browser, url: str) -> None:
    browser.open(url)
    ask(browser)
    browser.cdp("Accessibility.enable")
    nodes: list[dict[str, Any]] = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    browser.cdp("Accessibility.disable")
    seen = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    roles = {role for role, _ in seen}
    assert roles >= {"main", "banner", "navigation", "heading", "article", "status"}
    controls = {"button", "link", "textbox", "combobox", "dialog"}
    assert [(role, name) for role, name in seen if role in controls and not name.strip()] == []
    levels = browser.run(
        "const [shown, level] = [(it) => it.checkVisibility(), (it) => +it.localName[1]];"
        "return [...document.querySelectorAll('h1,h2,h3')].filter(shown).map(level)"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert browser.find("#answer").get_attribute("aria-live") == "polite"


def test_a_screen_reader_hears_the_answer_when_it_is_complete(browser: Browser, url: str) -> None:
    browser.open(url)
    api.SCRIPT[:] = [api.stream(api.event("token", {"text": "Un"}), 0.6, api.event("done", api.whole_answer()))]
    browser.find("#question").send_keys("x", Keys.ENTER)
    browser.wait_for(lambda: browser.find("#answer").text == "Un")
    assert browser.find("#answer").get_attribute("aria-busy") == "true"
    assert browser.find("#phase").text == "Answering…"
    browser.wait_until_shown("#tools")
    assert browser.find("#answer").get_attribute("aria-busy") is None
    assert browser.find("#phase").text.startswith("Answered in")


def test_nothing_moves_for_those_who_asked_for_that(browser: Browser, url: str) -> None:
    api.SCRIPT[:] = [api.stream(api.event("token", {"text": "Un"}), 1.5, api.event("done", api.whole_answer()))]
    for reduced, running in ((False, True), (True, False)):
        browser.open(url, reduced_motion=reduced)
        browser.find("#question").send_keys("x", Keys.ENTER)
        browser.wait_until_shown(".pulse")
        assert (browser.run("return document.getAnimations().length") > 0) is running


def test_without_javascript_the_page_says_where_else_to_ask(browser: Browser, url: str) -> None:
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(url)
        assert "This page needs JavaScript" in browser.find("main").text
        assert not browser.find("#question").is_enabled()
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
