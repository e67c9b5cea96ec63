"""Measures the recall of the vector search, for any reader and any part of a corpus."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction

from documents.access.policy import NOBODY, Principal, readable_corpora
from documents.models import Corpus
from documents.search.search_scope import SearchScope, search_scope_of
from documents.search.vector_search import dense_leg, exact_leg
from documents.vectors.embedding import embed_question
from documents.vectors.spaces import live_space_of
from querying.retrieval.candidates import LIMITS
from ragsite.deadline import Deadline

TOP = 10
SAME_DISTANCE = 1e-6  # two passages that are equally near are equally right
PATIENCE_SECONDS = 60.0
Recall = dict[str, float]  # `recall` at 10 (mean over the questions), `worst`, and `fewest` rows


def recall_of_filters(slug: str, questions: Sequence[str], filters: Sequence[dict[str, Any] | None]) -> list[Recall]:
    """Return the recall of a public corpus under each filter; None: all of it."""
    corpora = [Corpus.objects.get(slug=slug)]
    return [_recall(NOBODY, corpora, questions, each) for each in filters]


def recall_of_users(questions: Mapping[str, Sequence[str]]) -> dict[str, Recall]:
    """Return the recall of each user's questions (by user name) to all that they may ask, as one corpus."""
    found = {}
    for name, asked in questions.items():
        principal = Principal(User.objects.get(username=name))
        found[name] = _recall(principal, list(readable_corpora(principal)), asked)
    return found


def _recall(
    principal: Principal, corpora: Sequence[Corpus], questions: Sequence[str], filters: dict[str, Any] | None = None
) -> Recall:
    """Return the recall of questions.

    The leg is asked for as many candidates as a question of mode "balanced" asks it for; its best ten are compared
    with those of a look at every vector.
    """
    reaches = [search_scope_of(corpus, principal, filters) for corpus in corpora]
    compared = [_compare(reaches, question) for question in questions]
    recalls = [recall for recall, _ in compared]
    return {"recall": statistics.fmean(recalls), "worst": min(recalls), "fewest": min(rows for _, rows in compared)}


def _compare(reaches: Sequence[SearchScope], question: str) -> tuple[float, int]:
    """Return the recall at 10 of one question, and how many rows the leg gave."""
    near: list[float] = []
    right: list[float] = []
    for reach in reaches:
        space = live_space_of(reach.corpus)
        vector: np.ndarray = embed_question(space, question, deadline=Deadline.after(PATIENCE_SECONDS))
        with transaction.atomic():
            near += dense_leg(reach, space, vector, LIMITS["balanced"][1]).values()
            right += exact_leg(reach, space, vector, TOP).values()
    if not right:
        return 1.0, len(near)
    best, last = sorted(near, reverse=True)[:TOP], sorted(right, reverse=True)[:TOP]
    return sum(each >= last[-1] - SAME_DISTANCE for each in best) / len(last), len(near)
