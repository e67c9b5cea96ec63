"""Turns every exception into an RFC 9457 problem document: the only shape of an error in the API."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from psycopg.errors import DiskFull
from psycopg_pool import PoolTimeout, TooManyRequests
from rest_framework import exceptions
from rest_framework.views import set_rollback

from ragsite.errors import (
    DatabaseUnavailable,
    InvalidInput,
    Overloaded,
    RagError,
    RequestTooSlow,
    StorageFull,
    UploadTooLarge,
)
from ragsite.web.worker.paced_socket import SlowClient

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


class NotFound(RagError):
    """There is nothing here, or you may not see it."""

    code = "not_found"
    status_code = 404


class Forbidden(RagError):
    """You may not do this."""

    code = "not_allowed"
    status_code = 403


class ProblemResponse(JsonResponse):
    """A problem, as JSON whatever else its view speaks (YAML, an event stream)."""

    def __init__(self, problem: dict[str, Any], *, status: int, headers: dict[str, str]) -> None:
        super().__init__(problem, status=status, headers=headers, content_type=CONTENT_TYPE)
        self.data = problem


def problem_response(exc: Exception, context: dict[str, Any]) -> ProblemResponse:
    """Return the problem document of any exception that a view raised; nothing of an unknown one is shown."""
    set_rollback()
    log_if_unknown(exc)
    status, problem, headers = problem_of(exc)
    return ProblemResponse(problem, status=status, headers=headers)


def log_if_unknown(exc: BaseException) -> None:
    """Log an exception that nobody foresaw, with its traceback, and input that got as far as the database."""
    if not isinstance(exc, exceptions.APIException) and as_rag_error(exc).status_code == 500:
        logger.error("unhandled exception in a view", exc_info=exc)
    elif isinstance(exc, DataError | UnicodeEncodeError):
        logger.warning("the database refused what was sent: %s", type(exc).__name__)


def problem_of(exc: BaseException) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return HTTP status, problem document and headers for an exception."""
    if isinstance(exc, exceptions.APIException):
        return _problem_of_api_exception(exc)
    error = as_rag_error(exc)
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    elif error.status_code == 503:
        headers["Retry-After"] = "1"
    problem = problem_document(error.status_code, error.code, error.message)
    if error.fields:
        problem["errors"] = _errors(error.fields.items())
    return error.status_code, problem, headers


def as_rag_error(exc: BaseException) -> RagError:
    """Return the error that a user should see for any exception."""
    if isinstance(exc, RagError):
        return exc
    if isinstance(exc, OperationalError | InterfaceError):
        # The pool's own errors arrive as database errors; only the cause tells "all in use" from "gone".
        if isinstance(exc.__cause__, PoolTimeout | TooManyRequests):
            return Overloaded(retry_after_seconds=2)
        if isinstance(exc.__cause__, DiskFull):
            return StorageFull()
        return DatabaseUnavailable(retry_after_seconds=5)
    if isinstance(exc, RequestDataTooBig | TooManyFilesSent):
        return UploadTooLarge()
    if isinstance(exc, Http404):
        return NotFound()
    if isinstance(exc, PermissionDenied):
        return Forbidden()
    if isinstance(exc, SuspiciousOperation | BadRequest | TooManyFieldsSent | MultiPartParserError):
        return InvalidInput("The request is malformed.")
    if isinstance(exc, UnreadablePostError):
        if isinstance(exc.__cause__, SlowClient):
            return RequestTooSlow()
        return InvalidInput("The request ended before its body was complete.")
    # Numbers and texts that the checks let through and the database doesn't take: still the sender's to change.
    if isinstance(exc, DataError | UnicodeEncodeError):
        return InvalidInput("Something in the request can't be stored or compared: a number too large, or broken text.")
    return RagError()


def problem_document(status: int, code: str, detail: str) -> dict[str, Any]:
    """Return the members that every problem has."""
    return {
        "type": f"urn:ragsite:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": _sendable(detail),
        "code": code,
    }


def _errors(named: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"field": _sendable(field), "message": _sendable(message)} for field, message in named]


def _sendable(text: str) -> str:
    """Return the text without half characters. A field's name is the client's, and comes back in our reply."""
    return text.encode("utf-8", "replace").decode()


def _problem_of_api_exception(exc: exceptions.APIException) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    if getattr(exc, "wait", None):
        headers["Retry-After"] = str(math.ceil(exc.wait))  # type: ignore[attr-defined]
    if isinstance(exc, exceptions.ValidationError):
        problem = problem_document(exc.status_code, InvalidInput.code, " ".join((InvalidInput.__doc__ or "").split()))
        problem["errors"] = _errors(_flatten(exc.detail))
        return exc.status_code, problem, headers
    code = str(exc.get_codes() if isinstance(exc.get_codes(), str) else exc.default_code)
    return exc.status_code, problem_document(exc.status_code, code, _sentence_of(exc)), headers


def _sentence_of(exc: exceptions.APIException) -> str:
    """Return what happened and what to do; where the framework has words of its own, ours in their place."""
    if isinstance(exc, exceptions.Throttled):
        return f"That was too often; try again in {_in_words(math.ceil(getattr(exc, 'wait', None) or 1))}."
    if isinstance(exc, exceptions.NotAuthenticated):
        return "This needs somebody who is signed in, or an API key: `Authorization: Bearer rag_...`."
    if isinstance(exc, exceptions.NotAcceptable):
        return "There is no reply of the kind that `Accept` asks for; use application/json."
    if isinstance(exc, exceptions.MethodNotAllowed):
        return "This address doesn't take this method; `Allow` lists those that it takes."
    if isinstance(exc, exceptions.UnsupportedMediaType):
        return "A body of this Content-Type isn't read here; /api/v1/docs/ says which one is."
    return str(exc.detail)


def _in_words(seconds: int) -> str:
    """Return `1 second`, `58 seconds`, `3 minutes`: rounded up, in the largest unit that there are two of."""
    for name, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{math.ceil(seconds / length)} {name}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def _flatten(detail: Any, path: str = "") -> list[tuple[str, str]]:
    """Return (dotted field path, message) for each message in DRF's nested error detail."""
    if isinstance(detail, dict):
        items = [(str(key), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, (dict, list)) for item in detail):
        items = [(str(index), value) for index, value in enumerate(detail)]
    elif isinstance(detail, list):
        return [(path or "body", str(item)) for item in detail]
    else:
        return [(path or "body", str(detail))]
    found: list[tuple[str, str]] = []
    for key, value in items:
        inner = path if key == "non_field_errors" else f"{path}.{key}" if path else key
        found += _flatten(value, inner)
    return found
