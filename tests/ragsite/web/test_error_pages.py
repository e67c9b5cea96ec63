"""Errors outside the API's views: programs get a problem, people a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseServerError
from django.test import Client, RequestFactory

from ragsite.web import error_pages
from ragsite.web.error_pages import ProblemsForPrograms


@pytest.mark.parametrize(
    ("handler", "arguments", "status", "code"),
    [
        (error_pages.bad_request, [SuspiciousOperation("secret")], 400, "invalid_input"),
        (error_pages.forbidden, [PermissionDenied("secret")], 403, "not_allowed"),
        (error_pages.not_found, [Http404("secret")], 404, "not_found"),
        (error_pages.server_error, [], 500, "internal_error"),
    ],
)
def test_programs_get_a_problem_and_people_a_page(handler: Any, arguments: list[Any], status: int, code: str) -> None:
    for path, accept in [("/api/v1/x", "*/*"), ("/ask", "*/*"), ("/x", "application/json")]:
        response = handler(RequestFactory().get(path, headers={"Accept": accept}), *arguments)
        assert response.status_code == status
        assert response["Content-Type"] == "application/problem+json"
        assert response.data["code"] == code
        assert b"secret" not in response.content
    page = handler(RequestFactory().get("/x", headers={"Accept": "text/html"}), *arguments)
    assert page.status_code == status
    assert page["Content-Type"].startswith("text/html")
    assert b"secret" not in page.content


@pytest.mark.django_db
def test_an_unknown_address_of_the_api_is_a_problem() -> None:
    response = Client().get("/api/v1/nothing")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.django_db
def test_a_name_that_is_not_allowed_is_told_with_the_setting_that_allows_it() -> None:
    response = Client().get("/api/v1/corpora", headers={"Host": "other.example"})
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert "'other.example'" in response.json()["detail"]
    assert "ALLOWED_HOSTS" in response.json()["detail"]
    page = Client().get("/", headers={"Host": "<b>other</b>.example"})
    assert page.status_code == 400
    assert "ALLOWED_HOSTS" in page.content.decode()
    assert "<b>other" not in page.content.decode()


def through(response: HttpResponse, path: str) -> Any:
    def get_response(request: HttpRequest) -> HttpResponse:
        return response

    return ProblemsForPrograms(get_response)(RequestFactory().get(path))


def test_a_page_that_refuses_becomes_a_problem_for_programs() -> None:
    response = through(HttpResponseNotAllowed(["GET", "HEAD"]), "/api/pool/stats")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response.data["code"] == "method_not_allowed"
    assert through(HttpResponseServerError("<p>x"), "/api/x").data["code"] == "internal_server_error"


def test_what_is_no_refusal_or_no_page_or_for_people_stays() -> None:
    for response, path in [
        (HttpResponse("<p>fine"), "/api/x"),
        (HttpResponse("{}", status=503, content_type="application/json"), "/health/ready"),
        (HttpResponseNotAllowed(["GET"]), "/login/"),
    ]:
        assert through(response, path) is response
