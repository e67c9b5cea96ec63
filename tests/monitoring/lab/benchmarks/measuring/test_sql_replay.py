"""The SQL by hand is the SQL of the search: the same rows come of it."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection

from monitoring.lab.benchmarks.data.artificial_language import Language
from monitoring.lab.benchmarks.data.bulk_corpus import load, plan_of
from monitoring.lab.benchmarks.measuring.sql_replay import note_search, note_searches, replay

SIZE = 300
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bodies() -> list[dict[str, object]]:
    load("made-up", SIZE)
    questions = Language().questions(plan_of(SIZE).lengths, 3)
    return [{"query": question, "corpora": ["made-up"], "top_k": 10, "use_cache": False} for question in questions]


def by_hand() -> psycopg.Connection[tuple[object, ...]]:
    url = urlsplit(os.environ["DATABASE_URL"])
    return psycopg.connect(urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}")))


def test_the_same_passages_come_by_hand(bodies: list[dict[str, object]]) -> None:
    noted = note_searches(bodies)
    with by_hand() as database:
        for each in noted:
            _, rows = replay(database, each["statements"])
            assert len(each["chunk_ids"]) == 10
            texts = [found for found in rows if found and set(each["chunk_ids"]) <= {row[0] for row in found}]
            assert texts, "no statement gives the passages that the search gave"
    assert len({tuple(each["chunk_ids"]) for each in noted}) == len(bodies), "other questions find other passages"


def test_transactions_are_kept(bodies: list[dict[str, object]]) -> None:
    statements = note_search(bodies[0])["statements"]
    begins = [starts for starts, _ in statements]
    assert begins[0]
    assert not all(begins), "a search looks at one snapshot"
    (snapshot,) = [number for number, (_, text) in enumerate(statements) if "ISOLATION LEVEL" in text]
    assert begins[snapshot], "Postgres refuses it in the middle of a transaction"


def test_nothing_that_was_found_before_is_given_again(bodies: list[dict[str, object]]) -> None:
    first, second = note_search(bodies[0]), note_search(bodies[0])
    assert len(first["statements"]) == len(second["statements"])
    assert any("documents_embedding" in text for _, text in second["statements"])
    assert any("documents_termfrequency" in text for _, text in second["statements"])


def test_a_search_that_fails_is_no_search() -> None:
    with pytest.raises(RuntimeError, match="404"):
        note_search({"query": "x", "corpora": ["no-such-corpus"]})
