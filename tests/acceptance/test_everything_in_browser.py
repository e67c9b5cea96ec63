"""What the page says and suggests beside the choice of corpora."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.keys import Keys

from tests.browser import Browser
from tests.factories import make_corpus, make_tenant

pytestmark = pytest.mark.browser
DEMO: dict[str, Any] = {"name": "The demo", "is_demo": True, "defaults": {"suggestions": ["What is ragsite?"]}}


@pytest.mark.django_db
def test_the_demo_is_suggested_only_where_it_is_asked(browser: Browser, live_server: LiveServer) -> None:
    tenant = make_tenant(slug="demo")
    make_corpus(is_public=True, tenant=tenant, **DEMO)
    browser.open(live_server.url)
    assert browser.find(".suggestion").text == "What is ragsite?"
    for name in ("Handbook", "Rules"):
        make_corpus(is_public=True, name=name, chunk_count=1, tenant=make_tenant(slug=name.lower()))
    browser.open(live_server.url)
    assert "Everything is Handbook, Rules." in browser.find("#everything").text
    assert "The demo is searched only when you choose it" in browser.find("#everything").text
    assert not browser.find(".suggestion").is_displayed()
    browser.find("#corpus").send_keys(Keys.END)
    assert browser.wait_until_shown(".suggestion").text == "What is ragsite?"
    assert not browser.find("#everything").is_displayed()
    assert browser.complaints() == []
