"""A question whose database connection is lost is searched again, not refused."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import connection

from documents.access.policy import NOBODY
from documents.models import Corpus
from querying.passages import Retrieved
from querying.retrieval import candidates
from querying.retrieval.pipeline import retrieve
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


def end_our_connection() -> None:
    """End this thread's backend, as an administrator or a restart does."""
    assert connection.connection is not None
    pid, info = connection.connection.info.backend_pid, connection.connection.info
    with psycopg.connect(info.dsn, password=info.password, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def break_before(monkeypatch: pytest.MonkeyPatch, name: str, *, times: int) -> list[str]:
    """End the connection before a stage runs, that many times; returns where the runs are counted."""
    original, runs = getattr(candidates, name), list[str]()

    def breaking(*args: Any, **kwargs: Any) -> Any:
        runs.append(name)
        if len(runs) <= times:
            end_our_connection()
        return original(*args, **kwargs)

    monkeypatch.setattr(candidates, name, breaking)
    return runs


def find() -> Retrieved:
    return retrieve(QUESTION, list(Corpus.objects.all()), principal=NOBODY, top_k=3, deadline=Deadline.after(20))


@pytest.mark.parametrize("stage", ["lexical_leg", "dense_leg", "score_all"])
def test_a_search_survives_the_end_of_its_connection(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    make_library(slug="handbook")
    runs = break_before(monkeypatch, stage, times=1)
    found = find()
    assert len(runs) >= 2
    assert found.passages
    assert {leg.name: leg.status for leg in found.legs} == {"lexical": "ok", "dense": "ok"}


def test_a_connection_that_breaks_again_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    make_library(slug="handbook")
    runs = break_before(monkeypatch, "lexical_leg", times=99)
    with pytest.raises(DatabaseUnavailable):
        find()
    assert len(runs) == 2
