"""Every error has a code, a status and a sentence; every exception becomes a problem document."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from psycopg_pool import PoolTimeout, TooManyRequests
from rest_framework import exceptions

from ragsite import errors
from ragsite.web.exception_handler import problem_of


def all_errors() -> list[type[errors.RagError]]:
    found = [errors.RagError]
    for error in found:
        found += error.__subclasses__()
    return [error for error in found if error.__module__ == errors.__name__]


@pytest.mark.parametrize("error", all_errors())
def test_every_error_explains_itself(error: type[errors.RagError]) -> None:
    status, problem, headers = problem_of(error())
    assert problem["status"] == status == error.status_code
    assert problem["code"] == error.code
    assert problem["detail"].endswith(".") and "\n" not in problem["detail"]
    assert ("Retry-After" in headers) is (status == 503)


def test_codes_are_unique() -> None:
    codes = [error.code for error in all_errors()]
    assert len(codes) == len(set(codes))


def test_a_message_of_its_own_replaces_the_docstring() -> None:
    assert str(errors.ModelNotFound("Run `ollama pull x`.")) == "Run `ollama pull x`."


def test_fields_are_listed() -> None:
    _, problem, _ = problem_of(errors.InvalidInput(fields={"top_k": "Use 1 to 100."}))
    assert problem["errors"] == [{"field": "top_k", "message": "Use 1 to 100."}]


def test_retry_after_is_whole_seconds_rounded_up() -> None:
    _, _, headers = problem_of(errors.Overloaded(retry_after_seconds=1.2))
    assert headers["Retry-After"] == "2"


def caused_by(cause: Exception) -> OperationalError:
    error = OperationalError("secret host name")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [
        (caused_by(PoolTimeout("x")), 503, "overloaded"),  # all connections in use
        (caused_by(TooManyRequests("x")), 503, "overloaded"),  # and too many wait for one
        (caused_by(ValueError("x")), 503, "database_unavailable"),
        (RequestDataTooBig(), 413, "too_large"),
        (SuspiciousOperation("x"), 400, "invalid_input"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "not_allowed"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("x/y"), 415, "unsupported_media_type"),
        (exceptions.Throttled(wait=3), 429, "throttled"),
        (RuntimeError("a secret in a message"), 500, "internal_error"),
    ],
)
def test_exceptions_of_others_become_problems_without_their_words(exception: Exception, status: int, code: str) -> None:
    found, problem, _ = problem_of(exception)
    assert (found, problem["code"]) == (status, code)
    assert "secret" not in str(problem)


def test_a_throttled_caller_is_told_when_to_come_back() -> None:
    assert problem_of(exceptions.Throttled(wait=2.5))[2]["Retry-After"] == "3"


def test_nested_validation_errors_name_their_field() -> None:
    error = exceptions.ValidationError({"filters": {"metadata": ["Not a map."]}, "corpora": {"1": ["Too long."]}})
    _, problem, _ = problem_of(error)
    assert {item["field"] for item in problem["errors"]} == {"filters.metadata", "corpora.1"}
