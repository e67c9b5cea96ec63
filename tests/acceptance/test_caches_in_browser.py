"""The page of the caches as the manager of a corpus uses it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.keys import Keys

from documents.models import Membership
from querying.answering.pipeline import answer_question
from querying.cachestore.background_writer import store_now
from querying.models import CacheCount, CachedAnswer, QueryLog
from tests.browser import PHONE, Browser
from tests.factories import make_corpus, make_user
from tests.querying.asking import PARKING_QUESTION, ask
from tests.querying.library import make_library

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_manager_looks_at_the_caches_warms_and_purges_them(browser: Browser, live_server: LiveServer) -> None:
    corpus = make_library(slug="handbook", name="Staff handbook")
    make_corpus(tenant=corpus.tenant, name="Building rules")
    make_user(
        username="manager",
        password="a-long-password",
        is_staff=True,
        role=Membership.Role.MANAGER,
        tenant=corpus.tenant,
    )
    for question in ("How many days of paid leave do employees get?", PARKING_QUESTION):
        for _ in range(3):
            answer_question(ask(corpus, question))
    store_now()
    CacheCount.objects.create(
        corpus_id=corpus.pk, layer="questions", since=timezone.now() - timedelta(hours=3), hits=1204, misses=310
    )
    QueryLog.objects.create(question="<b>bold</b> " * 30, corpus_ids=[corpus.pk], answer_mode="cached", outcome="done")
    browser.open(f"{live_server.url}/admin/")
    browser.find("#id_username").send_keys("manager")
    browser.find("#id_password").send_keys("a-long-password", Keys.ENTER)
    browser.wait_until_shown("#nav-sidebar")
    browser.find("#nav-sidebar a[href='/admin/querying/cachecount/']").click()
    browser.wait_until_shown(".caches")
    browser.screenshot("admin-caches")
    browser.find(f"a[href$='/corpus/{corpus.pk}/']").click()
    shown = browser.wait_until_shown("#content-main").text
    assert "Answers, in memory" in shown
    assert "<b>bold</b>" in shown
    browser.screenshot("admin-caches-corpus")
    browser.find("[name=warm]").click()
    assert "A worker will ask" in browser.wait_until_shown("#main ul li").text
    assert ProcrastinateJob.objects.filter(task_name="warm_cache").exists()
    browser.find("[name=purge]").click()
    browser.wait_for(lambda: "Forgotten: 2 answers" in browser.find("#main ul li").text)
    assert not CachedAnswer.objects.exists()
    address = browser.driver.current_url
    browser.open(address, size=PHONE, dark=True)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.screenshot("admin-caches-phone")
    assert browser.complaints() == []
