"""Stores the feedback of readers on answers."""

from __future__ import annotations

import time
from uuid import UUID

from django.conf import settings

from documents.access.policy import Principal
from querying.cachestore.background_writer import STORE_EVERY_SECONDS, store_now
from querying.caching.semantic_limits import report_false_hit
from querying.models import Feedback, QueryLog
from ragsite.errors import QueryNotFound
from ragsite.postgres.thread_connection import release_connection

OTHER_PROCESS_LOOKS = 3  # for a question that another process answered: it is stored within STORE_EVERY_SECONDS
WRONG_QUESTION = "wrong_question"  # the reason of a report that the answer belonged to another question


def keep_feedback(
    principal: Principal, query_id: UUID, rating: int, comment: str = "", reason: str = "", *, reporter: str = ""
) -> Feedback:
    """Store a reader's feedback on the answer to their question, in place of an earlier one.

    `reporter` identifies the reader: by key, user or address.

    Raises QueryNotFound for an answer to another reader: ids are no secret.
    """
    query = _asked_by(principal, query_id) if principal.may_ask else None
    if query is None:
        raise QueryNotFound
    mine = Feedback.objects.filter(query=query, user=principal.user).first() or Feedback(
        query=query, user=principal.user
    )
    mine.rating, mine.comment = rating, comment
    mine.save()
    if reason == WRONG_QUESTION:
        report_false_hit(query, reporter)
    return mine


def _asked_by(principal: Principal, query_id: UUID) -> QueryLog | None:
    """Return the question if it is this principal's. One that was just answered may not be stored yet: look again."""
    mine = QueryLog.objects.filter(pk=query_id, user=principal.user)
    found = mine.first()
    if found is None and settings.RECORD_LATER:
        store_now()
        found = mine.first()
        for _ in range(OTHER_PROCESS_LOOKS):
            if found is not None:
                break
            release_connection()
            time.sleep(STORE_EVERY_SECONDS / 2)
            found = mine.first()
    return found
