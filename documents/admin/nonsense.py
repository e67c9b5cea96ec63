"""An admin URL with a malformed id or parameter answers 404, never 500."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views import defaults

logger = logging.getLogger(__name__)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class NonsenseIsNotFound:
    """Middleware: answers 404 where Django's admin hands on what it could not make sense of.

    Ids of another kind, filters by a 99th month, characters that the database doesn't take: Django checks some of them,
    and not all.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return 404 for what only the address can have caused; None: it is somebody else's."""
        if not request.path.startswith(reverse("admin:index")):
            return None
        # Any other exception in a form is a bug, and must be seen as one.
        kinds = (DataError, ValidationError, ValueError, OverflowError) if request.method in SAFE else (DataError,)
        if not isinstance(exception, kinds):
            return None
        logger.warning("the admin could not make sense of an address: %s", type(exception).__name__)
        return defaults.page_not_found(request, exception)
