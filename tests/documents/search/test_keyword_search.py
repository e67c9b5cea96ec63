"""Both legs of a search find what matches, and never what the principal may not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from documents.access.policy import NOBODY, Principal
from documents.keywords.bm25 import Choice, choose
from documents.keywords.terms import read_question
from documents.models import Chunk, Corpus, Document
from documents.search.keyword_search import lexical_leg, load, score_all
from documents.search.search_scope import SearchScope, search_scope_of
from documents.search.vector_search import dense_leg, dense_statement
from documents.vectors.embedding import embed_question
from documents.vectors.spaces import ensure_index, live_space_of
from ragsite.deadline import Deadline
from ragsite.postgres.compiled_queries import Compiled, rows_of
from ragsite.postgres.limits import set_local
from tests.factories import make_corpus, make_user
from tests.stock import add_version, stock

ROOT = "root"


def superuser() -> Principal:
    return Principal.of(make_user(is_superuser=True))


def chosen(corpus: Corpus, question: str) -> Choice:
    budget = int(settings.LEXICAL_MATCH_BUDGET)
    return choose(read_question(corpus, question).terms, corpus.chunk_count, budget=budget)


def by_words(corpus: Corpus, question: str, scope: SearchScope | None = None) -> list[str]:
    found = lexical_leg(scope or search_scope_of(corpus, NOBODY), chosen(corpus, question), 100)
    texts = dict(Chunk.objects.values_list("pk", "text"))
    return [texts[pk] for pk in found]


def vector_of(corpus: Corpus, question: str) -> np.ndarray:
    return embed_question(live_space_of(corpus), question, deadline=Deadline.after(20))


def by_meaning(corpus: Corpus, question: str, scope: SearchScope | None = None, limit: int = 100) -> list[str]:
    with transaction.atomic():
        found = dense_leg(
            scope or search_scope_of(corpus, NOBODY), live_space_of(corpus), vector_of(corpus, question), limit
        )
    texts = dict(Chunk.objects.values_list("pk", "text"))
    return [texts[pk] for pk in sorted(found, key=lambda pk: -found[pk])]


@pytest.fixture
def corpus(db: None) -> Corpus:
    return make_corpus(is_public=True)


def test_a_question_matches_on_any_of_its_words(corpus: Corpus) -> None:
    stock(corpus, "Invoices are paid within a month.", "The canteen opens at noon.")
    assert by_words(corpus, "When will my zzyzx qwerty invoice be settled?") == ["Invoices are paid within a month."]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("who are they", "They are the ones who are here."),  # nothing but stop words
        ("who is zzyzx?", "Nobody knows who did it."),  # ... and a word that is nowhere
        ("1042", "Error 1042 means that the file is gone."),
        ("E-1042", "See error E1042."),
        ("e1042", "See error E-1042."),
        ("v2.3.1", "Released as v2.3.1 in May."),
        ("CAFÉ", "The café is closed."),
        ("cafe", "The café is closed."),
        ("数", "关系数据库"),  # one character of a longer word
        ("数据库", "关系数据库"),
        ("데이터베이스", "관계형데이터베이스입니다"),
        ("ภาษา", "ภาษาไทย"),
    ],
)
def test_a_word_that_occurs_is_found(corpus: Corpus, question: str, text: str) -> None:
    stock(corpus, text, "Interest rates, nothing else.")
    assert by_words(corpus, question)[0] == text


def test_vietnamese_is_found_with_and_without_accents(db: None) -> None:
    corpus = make_corpus(is_public=True, language="vi")
    stock(corpus, "Nhà thầu phải nộp hồ sơ.", "nha khoa", "Đường phố")
    assert by_words(corpus, "nha thau")[0] == "Nhà thầu phải nộp hồ sơ."
    assert by_words(corpus, "duong") == ["Đường phố"]
    assert by_words(corpus, "Nhà") == ["Nhà thầu phải nộp hồ sơ."]  # with accents, they count


def test_scores_are_bm25(corpus: Corpus) -> None:
    stock(corpus, "tax tax form", "form", "form letter paper")
    scope = search_scope_of(corpus, NOBODY)
    scores = lexical_leg(scope, chosen(corpus, "tax form tax"), 10)
    texts = {text: scores[pk] for pk, text in Chunk.objects.values_list("pk", "text")}
    # N = 3, mean length 7/3. tax: df 1, twice in a question of 3 words (2 ** 0.65); form: df 3. k1 = 0.9, b = 0.75.
    tax, form = 2**0.65 * np.log(1 + 2.5 / 1.5), np.log(1 + 0.5 / 3.5)

    def part(weight: float, count: int, length: int) -> float:
        return float(weight * count * 1.9 / (count + 0.9 * (0.25 + 0.75 * length / (7 / 3))))

    assert texts["tax tax form"] == pytest.approx(part(tax, 2, 3) + part(form, 1, 3))
    assert texts["form"] == pytest.approx(part(form, 1, 1))


def test_only_common_words_still_find_what_is_most_about_them(corpus: Corpus, settings: Settings) -> None:
    settings.LEXICAL_MATCH_BUDGET = 20
    about = "budget report budget report budget report"
    stock(corpus, *[f"budget report number {number} is here" for number in range(100)], about)
    assert by_words(corpus, "budget report")[0] == about


def test_common_words_fill_up_when_nothing_marks_a_chunk(corpus: Corpus, settings: Settings) -> None:
    settings.LEXICAL_MATCH_BUDGET = 20
    stock(corpus, *[f"budget {number}" for number in range(100)])
    assert len(by_words(corpus, "budget")) == 100


def test_rare_words_decide_and_common_ones_still_count(corpus: Corpus, settings: Settings) -> None:
    settings.LEXICAL_MATCH_BUDGET = 20
    stock(corpus, *[f"budget {number}" for number in range(100)], "a penguin budget", "a penguin walks")
    assert by_words(corpus, "budget penguin")[:2] == ["a penguin budget", "a penguin walks"]


def test_near_meanings_come_first(corpus: Corpus) -> None:
    stock(corpus, "The cat sleeps on the sofa.", "Interest rates rose again.")
    assert by_meaning(corpus, "Where does the kitten rest?")[0] == "The cat sleeps on the sofa."


# What must never be shown.


def everything(corpus: Corpus, scope: SearchScope) -> set[str]:
    """Return all that any leg or look-up gives, for a question that everything matches."""
    ids = list(Chunk.objects.values_list("pk", flat=True))
    space, vector = live_space_of(corpus), vector_of(corpus, "secret report")
    scored = score_all(scope, ids, chosen(corpus, "secret report").weighted, space, vector)
    texts = dict(Chunk.objects.values_list("pk", "text"))
    loaded = {found.text for found in load(scope, ids).values()}
    return {texts[pk] for pk in scored} | loaded | set(by_words(corpus, "secret report", scope))


def test_a_closed_document_is_shown_by_no_leg(corpus: Corpus) -> None:
    stock(corpus, "open report")
    closed = stock(corpus, "secret report", title="Closed")
    group = Group.objects.create(name="board")
    closed.readers.add(group)
    insider = make_user(role="reader", tenant=corpus.tenant)
    insider.groups.add(group)
    for principal, sees in ((NOBODY, False), (Principal.of(make_user()), False), (Principal.of(insider), True)):
        for filters in (None, {"document": str(closed.pk)}, {"document": [str(closed.pk)]}):
            scope = search_scope_of(corpus, principal, filters)
            assert ("secret report" in everything(corpus, scope)) is sees
            assert ("secret report" in by_meaning(corpus, "secret report", scope)) is sees


def test_a_corpus_that_was_closed_shows_nothing(corpus: Corpus) -> None:
    stock(corpus, "secret report")
    Corpus.objects.filter(pk=corpus.pk).update(is_public=False)
    scope = search_scope_of(corpus, NOBODY)
    assert everything(corpus, scope) == set()
    assert by_meaning(corpus, "secret report", scope) == []


def test_a_key_that_may_not_ask_sees_nothing(corpus: Corpus) -> None:
    stock(corpus, "secret report")
    scope = search_scope_of(corpus, Principal(None, frozenset()))
    assert everything(corpus, scope) == set()
    assert by_meaning(corpus, "secret report", scope) == []


def test_deleted_documents_and_other_versions_are_not_shown(corpus: Corpus) -> None:
    gone = stock(corpus, "secret report")
    live = stock(corpus, "open report")
    add_version(live, ["secret draft report"], version=2)
    Document.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    assert everything(corpus, search_scope_of(corpus, NOBODY)) == {"open report"}


def test_a_document_of_another_corpus_is_not_shown(corpus: Corpus) -> None:
    other = make_corpus(is_public=True)
    stock(other, "secret report")
    stock(corpus, "open report")
    assert everything(corpus, search_scope_of(corpus, superuser())) == {"open report"}


# Filters.


@pytest.mark.parametrize(
    ("filters", "texts"),
    [
        ({"source": "a.pdf"}, {"red report"}),
        ({"metadata": {"year": 2024}}, {"red report", "blue report"}),
        ({"metadata": {"year": 2024, "team": "x"}}, {"blue report"}),
        ({"metadata": {"year": "2024"}}, set()),  # a text is no number
        ({"metadata": {"year": 2024}, "source": "a.pdf"}, {"red report"}),
        ({"language": "en"}, {"red report", "blue report", "green report"}),
        ({"language": "de"}, set()),
    ],
)
def test_filters_leave_what_agrees_with_all_of_them(
    corpus: Corpus, filters: dict[str, object], texts: set[str]
) -> None:
    stock(corpus, "red report", source="a.pdf", metadata={"year": 2024})
    stock(corpus, "blue report", source="b.pdf", metadata={"year": 2024, "team": "x"})
    stock(corpus, "green report")
    scope = search_scope_of(corpus, NOBODY, filters)
    assert everything(corpus, scope) == texts
    assert set(by_meaning(corpus, "report", scope)) == texts


# Which way Postgres goes.


def plan_of(statement: Compiled) -> str:
    sql, parameters = statement
    return "\n".join(line for (line,) in rows_of((f"EXPLAIN {sql}", parameters)))


@contextmanager
def indexes_preferred() -> Iterator[None]:
    """So few rows are quicker to read than to find; the question is whether the index can be used at all."""
    parameters = ("enable_seqscan", "enable_sort", "enable_hashjoin")
    with connection.cursor() as cursor:
        for parameter in parameters:
            cursor.execute(f"SET {parameter} = off")
        yield
        for parameter in parameters:
            cursor.execute(f"RESET {parameter}")


@pytest.fixture
def large(transactional_db: None, settings: Settings) -> Corpus:
    """A corpus above the threshold, which is low here, with its index."""
    settings.EXACT_SCAN_MAX_CHUNKS = 50
    corpus = make_corpus(is_public=True)
    for number in range(30):
        texts = [f"subject {number} part {part} of the report" for part in range(10)]
        stock(corpus, *texts, metadata={"number": number})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE documents_embedding, documents_chunk, documents_document")
    ensure_index(live_space_of(corpus))
    return corpus


def test_a_large_space_is_searched_by_its_index_and_a_small_one_by_looking_at_all(
    large: Corpus, settings: Settings
) -> None:
    space, vector = live_space_of(large), vector_of(large, "subject 7")
    with indexes_preferred():
        assert space.index_name in plan_of(dense_statement(search_scope_of(large, NOBODY), space, vector, 10))
        settings.EXACT_SCAN_MAX_CHUNKS = 1000
        assert space.index_name not in plan_of(dense_statement(search_scope_of(large, NOBODY), space, vector, 10))
        settings.EXACT_SCAN_MAX_CHUNKS = 50
        selective = search_scope_of(large, NOBODY, {"metadata": {"number": 7}})
        assert selective.chunk_count == 10
        assert space.index_name not in plan_of(dense_statement(selective, space, vector, 10))
        everybody = search_scope_of(large, NOBODY, {"language": "en"})
        assert space.index_name in plan_of(dense_statement(everybody, space, vector, 10))


def test_the_index_gives_as_many_rows_as_asked_for(large: Corpus) -> None:
    with indexes_preferred():
        # By itself an index stops after 40 rows, filtered or not.
        assert len(by_meaning(large, "subject 7 part 3", limit=250)) == 250
    selective = search_scope_of(large, NOBODY, {"metadata": {"number": 7}})
    assert len(by_meaning(large, "something else", selective)) == 10


def test_a_search_leaves_no_setting_behind(large: Corpus) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('hnsw.ef_search', true), current_setting('hnsw.iterative_scan', true)")
        before = cursor.fetchone()
        by_meaning(large, "subject 7")
        cursor.execute("SELECT current_setting('hnsw.ef_search', true), current_setting('hnsw.iterative_scan', true)")
        after = cursor.fetchone()
    # Unknown before the extension is loaded, its default afterwards.
    assert after == before or (before == (None, None) and after == ("40", "off"))


def test_settings_outside_of_a_transaction_are_a_mistake(transactional_db: None) -> None:
    with pytest.raises(AssertionError):
        set_local({"statement_timeout": "1"})


def test_a_word_that_is_cut_at_the_end_of_a_line_is_found_whole(corpus: Corpus) -> None:
    stock(corpus, "The reimburse-\nment takes ten days.")
    assert by_words(corpus, "reimbursement") == ["The reimburse-\nment takes ten days."]
