"""Decides whether a request may start; documents/access/policy.py decides on the rows."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from documents.access.policy import may_add_anywhere
from documents.api.authentication import principal_of
from ragsite.errors import NotAllowed


class ReadOrSignedIn(BasePermission):
    """Anybody may read, because queries return only readable rows; changes need a session or a key."""

    opens_reading = True  # for the OpenAPI schema

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the request may go on."""
        return request.method in SAFE_METHODS or bool(request.user and request.user.is_authenticated)


class MayAddDocuments(ReadOrSignedIn):
    """Refuses uploads of users who may add to no corpus, before the body is read."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the request may go on. Raises NotAllowed for a user or key that may add nowhere."""
        if not super().has_permission(request, view):
            return False
        if request.method not in SAFE_METHODS and not may_add_anywhere(principal_of(request)):
            raise NotAllowed(
                "You may not add documents anywhere; ask a manager for the editor role (and for a key "
                "with the scope `ingest`)."
            )
        return True
