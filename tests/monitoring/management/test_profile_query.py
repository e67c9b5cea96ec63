"""`profile_query` shows where the time of a question goes."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_corpus


@pytest.mark.django_db
def test_the_stages_of_a_question_are_in_the_table() -> None:
    corpus = make_corpus()
    table = call_command("profile_query", corpus.slug, "How many days of holiday?", "--repeat", "2", "--top", "40")
    assert "cumulative" in table
    assert "answering/pipeline.py" in table and "retrieval/pipeline.py" in table


@pytest.mark.django_db
def test_an_unknown_corpus_is_said() -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("profile_query", "nowhere", "What?")
