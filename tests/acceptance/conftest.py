"""Fixtures of the acceptance tests."""

from __future__ import annotations

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.acceptance import scripted_api as api
from tests.browser import Browser, browser, chromium
from tests.factories import make_corpus

__all__ = ["browser", "chromium"]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Browser:
    """Return the ask page, open; for tests whose server's part is `scripted_api`."""
    make_corpus(is_public=True, chunk_count=3)
    api.ASKED.clear()
    api.RATED.clear()
    browser.open(live_server.url)
    return browser
