from __future__ import annotations

import math
from typing import Any

import pytest

from documents.search.filters import condition_of
from ragsite.errors import InvalidInput


def test_no_filters_are_no_condition() -> None:
    assert condition_of(None) is None
    assert condition_of({}) is None


@pytest.mark.parametrize(
    ("filters", "field", "says"),
    [
        ({"colour": "red"}, "filters", "document, language, metadata, source"),  # names what there is
        ({"document": "not-a-uuid"}, "filters.document", "UUID"),
        ({"document": []}, "filters.document", "1 to 100"),
        ({"document": ["x"] * 101}, "filters.document", "1 to 100"),
        ({"document": {"a": 1}}, "filters.document", "text"),
        ({"source": 5}, "filters.source", "text"),
        ({"source": ""}, "filters.source", "text"),
        ({"source": "a\x00b"}, "filters.source", "character"),  # Postgres has no NUL
        ({"source": "\ud800"}, "filters.source", "character"),  # ... and no half characters
        ({"source": "a" * 1001}, "filters.source", "1000"),
        ({"metadata": "x"}, "filters.metadata", "object"),
        ({"metadata": {}}, "filters.metadata", "keys"),
        ({"metadata": {"a": [1]}}, "filters.metadata.a", "number"),
        ({"metadata": {"a": math.nan}}, "filters.metadata.a", "number"),
        ({"metadata": {"a": 10**400}}, "filters.metadata.a", "number"),
        ({"metadata": {"a": "\x00"}}, "filters.metadata.a", "character"),
        ({"metadata": {"\x00": 1}}, "filters.metadata", "character"),
        ({"language": None}, "filters.language", "text"),
        ({5: "x"}, "filters", "no filter"),
    ],
)
def test_a_bad_filter_is_named(filters: dict[Any, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        condition_of(filters)
    assert says in caught.value.fields[field]


def test_filters_that_are_no_object_are_refused() -> None:
    with pytest.raises(InvalidInput):
        condition_of(["source"])  # type: ignore[arg-type]
