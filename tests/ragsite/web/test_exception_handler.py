"""What a client sees of exceptions that nobody meant for it."""

from __future__ import annotations

import logging

import pytest
from django.core.exceptions import BadRequest, TooManyFieldsSent
from django.db import DataError, InterfaceError, OperationalError
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from psycopg.errors import DiskFull
from rest_framework.exceptions import ValidationError

from ragsite.web.exception_handler import problem_of, problem_response
from ragsite.web.worker.paced_socket import SlowClient


def caused_by(cause: BaseException, error: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("exception", "status", "code"),
    [
        (InterfaceError("connection already closed"), 503, "database_unavailable"),
        (BadRequest("secret"), 400, "invalid_input"),
        (TooManyFieldsSent("secret"), 400, "invalid_input"),
        (MultiPartParserError("secret"), 400, "invalid_input"),
        (caused_by(SlowClient(104, "slow"), UnreadablePostError("secret")), 408, "request_too_slow"),
        (caused_by(DiskFull("secret"), OperationalError("secret")), 507, "storage_full"),
        (OperationalError("secret"), 503, "database_unavailable"),
        (UnreadablePostError("secret"), 400, "invalid_input"),  # the client left while it sent
        (DataError("secret"), 400, "invalid_input"),  # a number that no column holds
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "secret"), 400, "invalid_input"),
    ],
)
def test_what_the_client_caused_is_not_our_fault(exception: Exception, status: int, code: str) -> None:
    found, problem, _ = problem_of(exception)
    assert (found, problem["code"]) == (status, code)
    assert "secret" not in str(problem)


def test_a_field_name_of_half_characters_can_be_sent_back() -> None:
    response = problem_response(ValidationError({"\ud800": ["no \udfff"]}), {})
    assert response.data["errors"] == [{"field": "?", "message": "no ?"}]
    assert b"?" in response.content


def test_only_the_unforeseen_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    problem_response(ValidationError("x"), {})
    assert caplog.records == []
    problem_response(RuntimeError("what happened"), {})
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    caplog.clear()
    problem_response(DataError("a value"), {})
    assert "a value" not in caplog.text
    assert caplog.records[0].levelno == logging.WARNING
