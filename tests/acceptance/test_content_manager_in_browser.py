"""A content manager's tasks in a real browser, on a laptop and on a phone, light and dark; no superuser is needed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.keys import Keys

from documents.indexing.pipeline import index_document
from documents.models import Corpus, Document, Membership, ReaderGroup
from querying.models import QueryLog
from tests.browser import Browser
from tests.factories import make_corpus, make_user
from tests.uploads import upload

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("content manager"),
]
# Cells of a list that hide some of what they hold.
CUT_OFF = """return [...document.querySelectorAll('#result_list th, #result_list td')]
    .filter(cell => cell.scrollHeight > cell.clientHeight + 1).map(cell => cell.innerText)"""
LAPTOP, SMALL = (1366, 768), (390, 844)


class Manager:
    """A manager of one tenant at a browser of one size, who looks for clipped pages on the way."""

    def __init__(self, browser: Browser, url: str, size: tuple[int, int], dark: bool) -> None:
        self.browser, self.url, self.size, self.dark = browser, url, size, dark

    def open(self, path: str, picture: str = "") -> None:
        self.browser.open(f"{self.url}/admin/{path}", size=self.size, dark=self.dark)
        self.browser.wait_until_shown("#main")
        self.look(picture)

    def look(self, picture: str = "") -> None:
        width = self.browser.run("return document.documentElement.scrollWidth")
        assert width <= self.size[0], f"{self.browser.driver.current_url} is {width} wide"
        assert self.browser.run(CUT_OFF) == []
        assert self.browser.complaints() == []
        if picture:
            self.browser.screenshot(f"manager-{picture}-{self.size[0]}-{'dark' if self.dark else 'light'}")

    def press(self, selector: str) -> None:
        """Click, wherever a bar that stays at the bottom of the screen may be."""
        element = self.browser.wait_until_shown(selector)
        self.browser.run("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", element)

    def says(self, words: str) -> None:
        self.browser.wait_for(lambda: words in self.browser.find("#main").text)


@pytest.fixture
def corpus() -> Corpus:
    return make_corpus(name="Staff handbook", slug="handbook")


@pytest.fixture
def manager(request: pytest.FixtureRequest, browser: Browser, live_server: LiveServer, corpus: Corpus) -> Manager:
    size, dark = request.param
    make_user(username="mia", password="a-long-password", is_staff=True, role="manager", tenant=corpus.tenant)
    mia = Manager(browser, live_server.url, size, dark)
    browser.open(f"{live_server.url}/admin/", size=size, dark=dark)
    browser.find("#id_username").send_keys("mia")
    browser.find("#id_password").send_keys("a-long-password", Keys.ENTER)
    browser.wait_until_shown("#main")
    return mia


screens = pytest.mark.parametrize("manager", [(LAPTOP, False), (SMALL, True)], indirect=True, ids=["laptop", "phone"])


@screens
def test_files_and_archives_are_uploaded_and_their_bars_move(
    manager: Manager, browser: Browser, corpus: Corpus, tmp_path: Path
) -> None:
    (tmp_path / "leave.txt").write_text("Everybody has 30 days of leave.")
    with zipfile.ZipFile(tmp_path / "minutes.zip", "w") as archive:
        archive.writestr("2024/may.txt", "The council met in May.")
        archive.writestr("old.zip", "PK")
    manager.open("documents/document/upload/")
    browser.find("#files").send_keys(f"{tmp_path / 'leave.txt'}\n{tmp_path / 'minutes.zip'}")
    manager.says("1 files taken, 1 refused")
    manager.says("An archive within an archive")
    manager.says("2 in the queue")
    for document in Document.objects.filter(corpus=corpus):
        assert index_document(document.pk) == "ready"
    manager.says("2 of 2 sent, 2 ready, 1 failed")  # by itself
    manager.look("upload")


@screens
def test_what_failed_is_seen_at_home_and_tried_again_with_one_click(
    manager: Manager, browser: Browser, corpus: Corpus
) -> None:
    document = upload(corpus, "Rail is preferred.", "rail.txt")
    Document.objects.filter(pk=document.pk).update(status="failed", error_detail="It was damaged.")
    QueryLog.objects.create(
        question="Rail? " + 10 * "And why not by air? ", corpus_ids=[corpus.pk], answer_mode="cached", outcome="done"
    )
    manager.open("", "home")
    manager.says("1 document could not be read")
    manager.press(".matters form button")
    manager.says("1 document is tried again")
    manager.look("jobs")
    assert Document.objects.get(pk=document.pk).status == "processing"
    manager.press("#waiting form button")
    manager.says("Its indexing was cancelled")
    manager.press("#failed form button")
    manager.says("is read and indexed again")
    index_document(document.pk)
    manager.open("documents/document/?q=preferred", "documents")
    manager.says("rail")
    manager.open(f"documents/document/{document.pk}/change/", "document")
    manager.press(f"a[href$='{document.pk}/passages/']")
    manager.says("Rail is preferred.")
    manager.look("passages")
    manager.press(f"a[href$='explain/{document.pk}/']")
    browser.wait_until_shown("#id_question").send_keys("Is rail preferred?")
    manager.press(".explain form button")
    manager.says("An answer to this question has a passage of this document.")
    manager.look("explain")
    manager.open("querying/querylog/", "questions")
    manager.says("Rail?")


@screens
def test_the_selected_documents_are_indexed_again(manager: Manager, browser: Browser, corpus: Corpus) -> None:
    for number in range(3):
        index_document(upload(corpus, f"Text {number}.", f"number-{number}.txt").pk)
    manager.open("documents/document/")
    for box in browser.find_all("input.action-select")[:2]:
        browser.run("arguments[0].click()", box)
    browser.wait_until_shown("#changelist-actions")
    browser.find("#changelist-actions select option[value=reindex]").click()
    manager.look("selected")
    manager.press("#changelist-actions button")
    manager.says("2 of 2 selected documents")
    assert Document.objects.filter(status="processing").count() == 2


@screens
def test_a_corpus_is_set_up_changed_and_deleted_by_its_name(manager: Manager, browser: Browser, corpus: Corpus) -> None:
    manager.open(f"documents/corpus/{corpus.pk}/change/", "corpus")
    browser.find("#id_top_k").send_keys("7")
    manager.press("[name=_save]")
    manager.says("was changed successfully")
    corpus.refresh_from_db()
    assert corpus.defaults == {"top_k": 7}
    manager.open("documents/corpus/", "corpora")
    manager.open(f"documents/corpus/{corpus.pk}/delete/", "delete")
    browser.find("#id_name").send_keys("Staff")
    manager.press("button.danger")
    manager.says("Nothing was deleted")
    browser.find("#id_name").send_keys("Staff handbook")
    manager.press("button.danger")
    manager.says("was deleted successfully")
    assert not Corpus.objects.filter(pk=corpus.pk).exists()


@screens
def test_people_are_invited_and_grouped(manager: Manager, browser: Browser, corpus: Corpus) -> None:
    manager.open("documents/membership/", "members")
    manager.press(f"a[href$='{'membership/invite/'}']")
    browser.wait_until_shown("#id_username").send_keys("anna")
    manager.look("invite")
    manager.press("#content-main button[type=submit]")
    link = browser.wait_until_shown("#link").get_attribute("value") or ""
    manager.look("link")
    manager.open("documents/readergroup/add/", "group")
    browser.find("#id_name").send_keys("Board")
    browser.find("#id_tenant option:nth-child(2)").click()
    browser.run("arguments[0].click()", browser.find_all("[name=members]")[0])
    manager.press("[name=_save]")
    manager.says("was added successfully")
    assert ReaderGroup.objects.get(group__name="Board").group.user_set.get().username == "anna"
    browser.driver.delete_all_cookies()
    browser.open(link, size=manager.size, dark=manager.dark)
    for field in ("#id_new_password1", "#id_new_password2"):
        browser.wait_until_shown(field).send_keys("correct-horse-battery")
    browser.screenshot(f"manager-invitation-{manager.size[0]}")
    browser.find("main button[type=submit], form button[type=submit]").click()
    browser.wait_until_shown("#id_username")
    assert User.objects.get(username="anna").check_password("correct-horse-battery")
    assert Membership.objects.get(user__username="anna").role == "reader"


@screens
def test_the_other_pages_of_a_manager_fit_the_screen(manager: Manager, corpus: Corpus) -> None:
    for path in ("documents/embeddingspace/", "documents/embeddingspace/start/", "querying/cachecount/",
                 f"querying/cachecount/corpus/{corpus.pk}/", "querying/semanticcachelimit/", "querying/feedback/",
                 "documents/readergroup/", "documents/apikey/", "documents/apikey/add/", "documents/corpus/add/",
                 "documents/document/add/"):  # fmt: skip
        manager.open(path, path.strip("/").replace("/", "-").replace(str(corpus.pk), "n"))
