"""How many of the truly nearest passages the dense leg finds, for filters that leave more or less of a corpus."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import transaction

from documents.access import Principal
from documents.dense import dense_leg, exact_query
from documents.embedding import embed_question
from documents.models import Corpus
from documents.reach import Reach, reach_of
from documents.spaces import live_space_of
from querying.candidates import LIMITS
from ragsite.deadline import Deadline

TOP = 10
SAME_DISTANCE = 1e-6  # two passages that are equally near are equally right
NOBODY = Principal(None)


def recall_of_filters(
    slug: str, questions: Sequence[str], filters: Sequence[dict[str, Any] | None]
) -> list[dict[str, float]]:
    """Return `recall` at 10 (mean over the questions), `worst` and `fewest` rows for each filter; None: all of it.

    The leg is asked for as many candidates as a question of mode "balanced" asks it for; its best ten are compared
    with those of a look at every vector.
    """
    corpus = Corpus.objects.get(slug=slug)
    space = live_space_of(corpus)
    vectors = [embed_question(space, question, deadline=Deadline.after(60)) for question in questions]
    found = []
    for each in filters:
        reach = reach_of(corpus, NOBODY, each)
        compared = [_compare(reach, vector) for vector in vectors]
        recalls = [recall for recall, _ in compared]
        found.append(
            {
                "recall": statistics.fmean(recalls),
                "worst": min(recalls),
                "fewest": min(rows for _, rows in compared),
            }
        )
    return found


def _compare(reach: Reach, vector: np.ndarray) -> tuple[float, int]:
    """Return the recall at 10 of one question, and how many rows the leg gave."""
    space = live_space_of(reach.corpus)
    with transaction.atomic():
        found = dense_leg(reach, space, vector, LIMITS["balanced"][1])
        right = [1.0 - distance for _, distance in exact_query(reach, space, vector, TOP)]
    if not right:
        return 1.0, len(found)
    near = sorted(found.values(), reverse=True)[:TOP]
    return sum(each >= right[-1] - SAME_DISTANCE for each in near) / len(right), len(found)
