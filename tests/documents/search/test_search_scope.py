"""Rights are checked for the best rows only: results are complete, contain nothing forbidden, and few rows are read."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from documents.access.policy import NOBODY, Principal
from documents.keywords.bm25 import Choice, WeightedTerm
from documents.models import Chunk, Corpus, Document, Membership
from documents.search.keyword_search import lexical_leg, lexical_statement
from documents.search.search_scope import search_scope_of
from documents.search.vector_search import exact_statement
from ragsite.postgres.compiled_queries import Compiled, rows_of
from tests.documents.search.clusters import clustered, make_clusters
from tests.documents.search.test_keyword_search import chosen
from tests.factories import make_corpus, make_user
from tests.stock import stock

pytestmark = pytest.mark.django_db(transaction=True)

CHUNKS, THRESHOLD = 3000, 300


@pytest.fixture
def corpus() -> Corpus:
    return make_corpus(is_public=True)


@pytest.mark.parametrize("budget", [2_000, 10])  # scored for its words, or as what fills up
def test_what_may_not_be_read_does_not_take_the_place_of_others(
    corpus: Corpus, settings: Settings, budget: int
) -> None:
    settings.LEXICAL_MATCH_BUDGET = budget
    for number in range(15):
        gone = stock(corpus, f"penguin penguin {number}")
        Document.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    stock(corpus, *[f"a penguin walks past number {number}" for number in range(30)])
    corpus.refresh_from_db()
    choice = chosen(corpus, "penguin")
    assert (choice.fill_term is not None) is (budget == 10)
    everybody, filtered = (search_scope_of(corpus, NOBODY, filters) for filters in (None, {"language": "en"}))
    assert filtered.is_restricted is not everybody.is_restricted  # looked up last, and first
    for scope in (everybody, filtered):
        found = lexical_leg(scope, choice, 20)
        assert len(found) == 20
        assert not Chunk.objects.filter(pk__in=found).exclude(document__deleted_at=None).exists()


def test_rights_are_read_anew_although_their_statements_are_kept(corpus: Corpus) -> None:
    opened, closed = stock(corpus, "an open report"), stock(corpus, "a secret report")
    group = Group.objects.create(name="board")
    closed.readers.add(group)
    user = make_user()
    Membership.objects.create(user=user, tenant=corpus.tenant)
    assert search_scope_of(corpus, Principal(user)).only == (opened.pk,)
    user.groups.add(group)
    assert set(search_scope_of(corpus, Principal(user)).only or ()) == {opened.pk, closed.pk}
    assert search_scope_of(corpus, NOBODY).only == (opened.pk,)
    user.groups.clear()
    assert search_scope_of(corpus, Principal(user)).only == (opened.pk,)


def test_a_small_part_is_read_once_and_nothing_else(settings: Settings) -> None:
    settings.EXACT_SCAN_MAX_CHUNKS = THRESHOLD
    corpus, space = make_clusters(CHUNKS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT term FROM documents_termfrequency WHERE corpus_id = %s", [corpus.pk])
        terms = tuple(term for (term,) in cursor.fetchall())
    choice = Choice((WeightedTerm("text", 1.0, terms),), terms)  # what every chunk has
    for chunks in (10, THRESHOLD):
        scope = search_scope_of(corpus, NOBODY, {"metadata": {f"first_{chunks}": True}})
        dense = exact_statement(scope, space, clustered(1)[0], 5)
        lexical = lexical_statement(scope, choice, 5)
        for statement, table in ((dense, "documents_embedding"), (lexical, "documents_chunk")):
            (read,) = reads_of(statement, table)
            # Not once for each of its documents: the list of them would be gone through as often.
            assert (read["Actual Loops"], read["Actual Rows"]) == (1, chunks)


def reads_of(statement: Compiled, table: str) -> list[dict[str, Any]]:
    """Return the nodes of a statement's plan that read a table, as they went."""
    sql, parameters = statement
    ((found,),) = rows_of((f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters))
    nodes, left = [], [found[0]["Plan"]]
    while left:
        node = left.pop()
        left += node.get("Plans", [])
        nodes.append(node)
    return [node for node in nodes if node.get("Relation Name") == table]
