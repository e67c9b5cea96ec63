"""What readers think of answers."""

from __future__ import annotations

from uuid import UUID

from documents.access import Principal
from querying.models import Feedback, QueryLog
from ragsite.errors import QueryNotFound


def keep_feedback(principal: Principal, query_id: UUID, rating: int, comment: str = "") -> Feedback:
    """Store what the asker of a question thinks of its answer; the latest word counts.

    Raises QueryNotFound for an answer that somebody else was given: its id is no secret.
    """
    query = QueryLog.objects.filter(pk=query_id, user=principal.user).first() if principal.may_ask else None
    if query is None:
        raise QueryNotFound
    mine = Feedback.objects.filter(query=query, user=principal.user).first() or Feedback(
        query=query, user=principal.user
    )
    mine.rating, mine.comment = rating, comment
    mine.save()
    return mine
