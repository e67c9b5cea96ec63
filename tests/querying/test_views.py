"""The ask page lists what its visitor may ask, and complies with the Content-Security-Policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ragsite.web.content_policy import ContentPolicy
from tests.factories import make_corpus, make_tenant, make_user

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))


def page(user: User | None = None, path: str = "/") -> str:
    client = Client()
    if user is not None:
        client.force_login(user)
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def offered(html: str) -> list[str]:
    return re.findall(r'<option value="([^"]*)"', html)


@pytest.mark.django_db
def test_a_visitor_is_offered_public_corpora_only() -> None:
    tenant = make_tenant(slug="town")
    make_corpus(tenant=tenant, slug="rules", is_public=True)
    make_corpus(tenant=tenant, slug="secrets", name="Secrets")
    html = page()
    assert offered(html) == ["town/rules"]
    assert "Secrets" not in html


@pytest.mark.django_db
def test_a_member_is_offered_the_corpora_of_their_tenants_and_all_at_once() -> None:
    tenant = make_tenant(slug="town")
    for slug in ("a", "b"):
        make_corpus(tenant=tenant, slug=slug)
    make_corpus(slug="foreign")
    assert offered(page(make_user(role="reader", tenant=tenant))) == ["", "town/a", "town/b"]


@pytest.mark.django_db
def test_corpora_of_several_tenants_stand_under_the_names_of_these() -> None:
    for name in ("Town", "Harbour"):
        make_corpus(tenant=make_tenant(name=name), is_public=True)
    assert re.findall(r'<optgroup label="(\w+)"', page()) == ["Town", "Harbour"]


@pytest.mark.django_db
def test_without_a_corpus_the_page_says_what_to_do() -> None:
    assert "Sign in" in page()
    assert "give you access" in page(make_user())
    assert "give you access" in page(make_user(is_staff=True))
    manager = make_user(role="manager", is_staff=True)
    html = page(manager)
    assert "Add a corpus" in html
    assert "manage.py ingest" in html
    assert 'id="ask"' not in html


@pytest.mark.django_db
def test_a_corpus_without_documents_is_marked() -> None:
    make_corpus(is_public=True, name="Fresh")
    make_corpus(is_public=True, name="Full", chunk_count=1)
    html = page()
    assert "data-empty>Fresh (empty)" in html
    assert ">Full<" in html


@pytest.mark.django_db
def test_up_to_three_questions_are_suggested_whatever_the_defaults_hold() -> None:
    make_corpus(is_public=True, defaults={"suggestions": ["One?", "<b>Two?</b>", 3, "Four?", "Five?"]})
    make_corpus(is_public=True, defaults={"suggestions": "no list"})
    make_corpus(is_public=True, defaults=[])
    html = page()
    assert re.findall(r'class="suggestion">([^<]+)<', html) == ["One?", "&lt;b&gt;Two?&lt;/b&gt;", "Four?"]


@pytest.mark.django_db
def test_names_are_escaped() -> None:
    make_corpus(is_public=True, name="<script>x</script>", tenant=make_tenant(name='"><script>y</script>'))
    assert "<script>" not in page()


@pytest.mark.django_db
def test_the_page_costs_the_same_for_many_corpora() -> None:
    tenant = make_tenant()
    user = make_user(role="reader", tenant=tenant)
    client = Client()
    client.force_login(user)
    counts = []
    for more in (1, 20):
        for _ in range(more):
            make_corpus(tenant=tenant, with_space=False)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_the_page_is_private_and_read_only() -> None:
    make_corpus(is_public=True)
    response = Client().get("/")
    assert "no-store" in response["Cache-Control"]
    assert "csrftoken" in response.cookies
    assert Client().post("/", {"question": "x"}).status_code in (403, 405)
    assert Client().head("/").status_code == 200


@pytest.mark.django_db
def test_every_page_carries_the_policy_that_allows_nothing_foreign() -> None:
    for path in ("/", "/login/", "/admin/login/", "/nowhere"):
        policy = Client().get(path)["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        # The script of the admin's theme evaluates expressions in its templates.
        assert policy.count("unsafe") == policy.count("'self' 'unsafe-eval'") == path.startswith("/admin/")
        assert "*" not in policy


@pytest.mark.django_db
def test_data_carries_the_policy_that_allows_nothing_at_all() -> None:
    make_corpus(is_public=True)
    ask = {"query": "Who?", "corpora": ["nowhere"]}
    replies = [
        Client().get("/api/v1/corpora"),
        Client().post("/api/v1/search", ask, content_type="application/json"),
        Client().post("/api/v1/query", ask, content_type="application/json"),
    ]
    assert [reply.status_code for reply in replies] == [200, 404, 404]
    for reply in replies:
        assert reply["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.django_db
def test_no_policy_of_pages_is_built_for_data(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build = ContentPolicy.get_policy_parts

    def noted(policy: ContentPolicy, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        built.append(request.path)
        return build(policy, request, *args, **kwargs)

    monkeypatch.setattr(ContentPolicy, "get_policy_parts", noted)
    assert Client().get("/api/v1/corpora").status_code == 200
    assert Client().get("/").status_code == 200
    assert set(built) == {"/"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_inline_script_or_style_and_nothing_from_elsewhere(template: Path) -> None:
    html = template.read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", html)
    assert not re.search(r"""(src|href|action)=["'](https?:)?//""", html)


@pytest.mark.django_db
def test_people_sign_in_and_out_and_come_back_to_the_page() -> None:
    make_user(username="anna", password="a-long-password")
    client = Client()
    wrong = client.post("/login/", {"username": "anna", "password": "wrong"})
    assert "correct username and password" in wrong.content.decode()
    response = client.post("/login/", {"username": "anna", "password": "a-long-password", "next": "//evil.example"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert "Sign out" in client.get("/").content.decode()
    assert client.post("/logout/")["Location"] == "/"
    assert "Sign in" in client.get("/").content.decode()


@pytest.mark.django_db
def test_pages_for_what_went_wrong_need_nothing_that_may_be_broken() -> None:
    assert "There is nothing here" in Client().get("/nowhere").content.decode()
    error = Path(settings.BASE_DIR, "templates", "500.html").read_text()
    assert "{% extends" not in error
    assert "{% static" not in error
    out_of_date = Client(enforce_csrf_checks=True).post("/login/", {})
    assert out_of_date.status_code == 403
    assert "The page was out of date" in out_of_date.content.decode()
