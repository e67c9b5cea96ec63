"""Lists the questions that a user asked before, and how each was answered."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from documents.access.policy import Principal
from querying.cachestore.background_writer import store_now
from querying.models import QueryLog


def find_queries(
    principal: Principal, *, limit: int, offset: int, request_id: str | None = None
) -> tuple[int, Sequence[QueryLog]]:
    """Return the number of questions of the principal (a superuser: of all users), and one page, newest first.

    With a `request_id`, only those of that request: a batch has several, and a client may reuse an id.
    """
    user = principal.user
    if user is None or not principal.may_ask:
        return 0, []
    if settings.RECORD_LATER:
        store_now()  # the questions of the last half second
    found = QueryLog.objects.all() if user.is_superuser else QueryLog.objects.filter(user=user)
    if request_id is not None:
        found = found.filter(request_id=request_id)
    return found.count(), list(found.order_by("-created_at", "pk")[offset : offset + limit])
