"""Questions are recorded in the background, in batches, and none is lost."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from pytest_django import Settings

from documents.models import Corpus
from querying.answering import query_log
from querying.answering.pipeline import answer_question
from querying.answering.query_log import LogBuffer
from querying.cachestore import background_writer
from querying.models import QueryLog
from tests.factories import make_user
from tests.querying.asking import ask
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    settings.RECORD_LATER = True
    monkeypatch.setattr(background_writer, "begin", lambda: None)  # the test says when
    return make_library(slug="handbook")


def row(**fields: Any) -> dict[str, Any]:
    return {
        "id": uuid4(), "user_id": None, "corpora": ["a"], "corpus_ids": [1], "question": "?", "answer_mode": "cached",
        "outcome": "done", "degraded_reasons": [], "model": "", "passages": 0, "timings_ms": {"total": 1.5},
        "total_ms": 1.5, "created_at": "2026-01-01T00:00:00Z", **fields,
    }  # fmt: skip


def test_questions_are_stored_later_as_they_would_be_at_once(corpus: Corpus, settings: Settings) -> None:
    asked = ask(corpus, "How many days of\tpaid \\leave?\n\\.")
    answer_question(asked)
    assert not QueryLog.objects.exists()
    background_writer.store_now()
    later = QueryLog.objects.get()
    settings.RECORD_LATER = False
    answer_question(ask(corpus, "How many days of\tpaid \\leave?\n\\.", use_cache=False))
    at_once = QueryLog.objects.exclude(pk=later.pk).get()
    for name in (
        "corpora",
        "corpus_ids",
        "question",
        "answer_mode",
        "original_mode",
        "outcome",
        "degraded_reasons",
        "passages",
    ):
        assert getattr(later, name) == getattr(at_once, name), name
    assert later.pk == asked.id
    assert later.timings_ms["total"] > 0
    assert later.created_at < at_once.created_at


def test_a_database_that_is_away_loses_nothing(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = LogBuffer()
    entries.add(row())
    entries.add(row())

    def fail(rows: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(query_log, "_insert", fail)
        with pytest.raises(OperationalError):
            entries.store()
    entries.add(row())
    entries.store()
    assert QueryLog.objects.count() == 3
    entries.store()
    assert QueryLog.objects.count() == 3


def test_rows_of_deleted_users_are_stored_without_them_and_a_bad_row_blocks_no_other(
    corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    user, gone = make_user(), make_user()
    entries = LogBuffer()
    entries.add(row(user_id=user.pk))
    entries.add(row(user_id=gone.pk))
    entries.add(row(question="a \x00 that Postgres can't hold"))
    gone.delete()
    entries.store()
    assert sorted(map(str, QueryLog.objects.values_list("user_id", flat=True))) == sorted(map(str, [user.pk, None]))
    assert "not recorded" in caplog.text
    assert "Postgres can't" not in caplog.text


def test_what_waits_is_bounded(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_log, "MAX_WAITING", 2)
    entries = LogBuffer()
    for _ in range(5):
        entries.add(row())
    entries.store()
    assert QueryLog.objects.count() == 2
