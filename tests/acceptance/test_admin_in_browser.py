"""The admin and the API's page in a real browser: they work under the same Content-Security-Policy as all others."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver.common.keys import Keys

from documents.models import Corpus, Document, LoginAttempts, ReaderGroup
from querying.models import (
    AnswerClaim,
    CacheCount,
    CachedAnswer,
    CacheEntry,
    FalseHit,
    Feedback,
    QueryLog,
    SemanticCacheLimit,
)
from tests.browser import Browser
from tests.documents.admin.cast import fill
from tests.factories import make_tenant, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_api_can_be_read_and_tried_under_the_policy(browser: Browser, live_server: LiveServer) -> None:
    browser.open(f"{live_server.url}/api/v1/docs/")
    browser.wait_until_shown(".opblock")
    shown = browser.find("#swagger-ui").text
    for path in ("/api/v1/query", "/api/v1/search", "/api/v1/documents", "/api/v1/feedback"):
        assert path in shown
    browser.find("#swagger-ui .opblock-summary-control").click()
    browser.wait_until_shown(".opblock-body")
    browser.screenshot("api-docs", whole_page=False)
    assert browser.complaints() == []
    assert all(address.startswith((live_server.url, "data:")) for address in browser.fetched())


@pytest.fixture
def signed_in(browser: Browser, live_server: LiveServer) -> Browser:
    make_user(username="root", password="a-long-password", is_staff=True, is_superuser=True)
    browser.open(f"{live_server.url}/admin/")
    browser.find("#id_username").send_keys("root")
    browser.find("#id_password").send_keys("a-long-password", Keys.ENTER)
    browser.wait_until_shown("#nav-sidebar")
    return browser


def test_no_page_of_the_admin_breaks_the_policy(signed_in: Browser, live_server: LiveServer) -> None:
    fill_two_tenants()
    signed_in.driver.get(f"{live_server.url}/admin/")
    signed_in.screenshot("admin-index")
    for app in ("documents", "querying"):
        for model in apps.get_app_config(app).get_models():
            name = f"{app}/{model._meta.model_name}"
            row = model._default_manager.first()
            assert row is not None
            for page in ("", "add/", f"{row.pk}/change/", f"{row.pk}/delete/", f"{row.pk}/history/"):
                signed_in.driver.get(f"{live_server.url}/admin/{name}/{page}")
                complaints = [line for line in signed_in.complaints() if "403 (Forbidden)" not in line]
                assert complaints == [], f"{name}/{page}"
            if name in ("documents/document", "documents/corpus"):
                signed_in.driver.get(f"{live_server.url}/admin/{name}/{row.pk}/change/")
                signed_in.screenshot(f"admin-{model._meta.model_name}")
    signed_in.driver.get(f"{live_server.url}/admin/documents/document/")
    signed_in.screenshot("admin-documents")


def test_a_document_is_uploaded_by_hand(signed_in: Browser, live_server: LiveServer, tmp_path: Path) -> None:
    fill_two_tenants()
    path = tmp_path / "leave.txt"
    path.write_text("Everybody has 30 days of leave.")
    signed_in.driver.get(f"{live_server.url}/admin/documents/document/add/")
    signed_in.find("#id_corpus option:nth-child(2)").click()
    signed_in.find("#id_file").send_keys(str(path))
    signed_in.screenshot("admin-upload")
    signed_in.find("[name=_save]").click()
    message = signed_in.wait_until_shown("#main ul li")
    assert "was added successfully" in message.text
    assert Document.objects.filter(title="leave", status="processing").exists()
    assert signed_in.complaints() == []


def fill_two_tenants() -> None:
    for name in ("Town", "Harbour"):
        tenant, group = make_tenant(name=name), Group.objects.create(name=f"{name} board")
        ReaderGroup.objects.create(group=group, tenant=tenant)
        fill(tenant, name, group)
    LoginAttempts.objects.create(key="somebody", count=1, ends_at=timezone.now())
    entry = QueryLog.objects.create(question="How long?", answer_mode="generated", outcome="done")
    Feedback.objects.create(query=entry, rating=1)
    keys = {"key": "k", "stale_key": "s", "alike_key": "a"}
    CachedAnswer.objects.create(
        **keys, question="How long?", answer={}, corpora=[], documents=[], created_at=timezone.now()
    )
    CacheEntry.objects.create(key="k", kind="search", value={}, created_at=timezone.now())
    CacheCount.objects.create(corpus_id=1, layer="memory", since=timezone.now())
    SemanticCacheLimit.objects.create(corpus=Corpus.objects.all()[0])
    FalseHit.objects.create(query=entry, corpora=[], question="How long?", reporter="r")
    AnswerClaim.objects.create(key="k", owner=uuid.uuid4(), expires_at=timezone.now())
