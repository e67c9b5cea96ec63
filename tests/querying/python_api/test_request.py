"""The options of the Python API; invalid ones are refused by name."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pytest_django import Settings

from documents.access.policy import NOBODY
from querying.python_api.fetching import prefetch_all_rag_data
from querying.python_api.request import RequestOptions
from ragsite.errors import InvalidInput
from tests.factories import make_corpus

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("question", "options", "field"),
    [
        ("", {}, "question"),
        ("\u200b \n", {}, "question"),  # nothing that anybody sees
        ("x" * 4001, {}, "question"),
        (5, {}, "question"),
        ("x", {"top_k": 0}, "top_k"),
        ("x", {"top_k": 101}, "top_k"),
        ("x", {"deadline_seconds": 0}, "deadline_seconds"),
        ("x", {"deadline_seconds": math.nan}, "deadline_seconds"),
        ("x", {"locale": ""}, "locale"),
        ("x", {"locale": "en US"}, "locale"),
        ("x", {"locale": "x\x00"}, "locale"),
        ("x", {"filters": {"colour": "red"}}, "filters"),
    ],
)
def test_a_bad_wish_is_refused_by_name(question: Any, options: dict[str, Any], field: str) -> None:
    make_corpus(is_public=True)
    with pytest.raises(InvalidInput) as caught:
        prefetch_all_rag_data(["a good question", question], principal=NOBODY, **options)
    assert caught.value.fields.keys() == {field}


def test_an_option_that_does_not_exist_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="topk"):
        prefetch_all_rag_data(["x"], principal=NOBODY, topk=3)  # type: ignore[call-arg]


def test_no_questions_have_no_results() -> None:
    make_corpus(is_public=True)
    assert prefetch_all_rag_data([], principal=NOBODY) == ()


def test_the_deadline_is_limited_by_the_server(settings: Settings) -> None:
    settings.DEADLINE_SECONDS, settings.DEADLINE_MAX_SECONDS = 3.0, 10.0
    assert 2 < RequestOptions(NOBODY).deadline().remaining() <= 3
    assert 9 < RequestOptions(NOBODY, deadline_seconds=1e9).deadline().remaining() <= 10
