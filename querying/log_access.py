"""Limits the query log to the questions that a user may see: those to corpora that they manage, and to no others."""

from __future__ import annotations

from django.db.models import QuerySet

from documents.access.policy import Principal
from documents.admin.scoping import manageable_corpora
from querying.models import QueryLog


def visible_questions(principal: Principal) -> QuerySet[QueryLog]:
    """Return the rows that the principal may see; a superuser sees all, questions to no corpus included."""
    if principal.user is not None and principal.user.is_superuser:
        return QueryLog.objects.all()
    managed = list(manageable_corpora(principal).values_list("pk", flat=True))
    return QueryLog.objects.filter(corpus_ids__contained_by=managed, corpus_ids__len__gt=0)
