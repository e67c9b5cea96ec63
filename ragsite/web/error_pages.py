"""Errors outside the API's views (unknown address, bad Host, crash): problem documents for programs, or pages."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.template.loader import get_template
from django.views import defaults

from ragsite.errors import InvalidInput, RagError
from ragsite.web.exception_handler import (
    Forbidden,
    NotFound,
    ProblemResponse,
    as_rag_error,
    problem_document,
    problem_of,
)

HOST_SHOWN_CHARS = 100
GetResponse = Callable[[HttpRequest], HttpResponseBase]
# What programs talk to, and what older systems' programs do. Everything else is a page.
PROGRAM_PATHS = ("/api/", "/ask", "/documents", "/health", "/metrics", "/monitoring/")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 400; when the server was called by a name that it doesn't know, with what its operator can do."""
    words = "The request is malformed."
    if isinstance(exception, DisallowedHost):
        name = request.META.get("HTTP_HOST", "")[:HOST_SHOWN_CHARS]
        words = f"This server does not answer to the name {name!r}. Its operator can add the name to ALLOWED_HOSTS."
    if _is_program(request):
        return _problem(InvalidInput(words))
    return HttpResponseBadRequest(get_template("400.html").render({"words": words}))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 403, as a page or a problem document."""
    if not _is_program(request):
        return defaults.permission_denied(request, exception or Forbidden())
    return _problem(Forbidden())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 404, as a page or a problem document."""
    if not _is_program(request):
        return defaults.page_not_found(request, exception or NotFound())
    return _problem(NotFound("There is no such address; /api/v1/docs/ lists them."))


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """Return 500; what happened is in the log. 503 when it is a database that can't be had right now."""
    exc = sys.exc_info()[1]  # Django calls this while it handles the exception
    error = RagError() if exc is None else as_rag_error(exc)
    if error.status_code == 503:
        return _unavailable(request, error)
    if not _is_program(request):
        return defaults.server_error(request)
    return _problem(RagError())


class ProblemsForPrograms:
    """Middleware: makes a problem of what Django itself refuses with a page, such as a method that isn't allowed."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, with a problem in the place of an error page where a program asks."""
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        if response.status_code < 400 or not is_page or not _is_program(request):
            return response
        reason = HTTPStatus(response.status_code)
        problem = problem_document(response.status_code, reason.name.lower(), f"{reason.description or reason.phrase}.")
        kept = {name: response[name] for name in ("Allow", "Retry-After") if name in response}
        return ProblemResponse(problem, status=response.status_code, headers=kept)


def _unavailable(request: HttpRequest, error: RagError) -> HttpResponse:
    if _is_program(request):
        return _problem(error)
    retry_after = str(max(1, math.ceil(error.retry_after_seconds or 1)))
    return HttpResponse(get_template("503.html").render(), status=503, headers={"Retry-After": retry_after})


def _is_program(request: HttpRequest) -> bool:
    return request.path.startswith(PROGRAM_PATHS) or "json" in request.headers.get("Accept", "")


def _problem(error: RagError) -> ProblemResponse:
    status, problem, headers = problem_of(error)
    return ProblemResponse(problem, status=status, headers=headers)
