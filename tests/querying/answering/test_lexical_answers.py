"""Questions in other words or spellings than the documents are answered by the keyword leg."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from documents.models import Corpus
from querying.answering.ladder import is_degraded
from querying.answering.pipeline import answer_question, search
from querying.api.representing import answer_as_json, search_as_json
from querying.types import AnswerMode
from tests.factories import make_corpus
from tests.querying.asking import ask
from tests.querying.library import add_document

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = """Printers

Error E1233 means that the paper is jammed. Open the rear door and pull it out.

Holidays

Every employee has 28 days of holiday per calendar year. Requests go to the team lead.
"""


@pytest.fixture
def handbook() -> Corpus:
    corpus = make_corpus(is_public=True)
    add_document(corpus, TEXT, "handbook.txt")
    corpus.refresh_from_db()
    return corpus


def test_a_misspelled_question_is_answered_and_says_what_was_searched(handbook: Corpus) -> None:
    answer = answer_question(ask(handbook, "How many days of hollidays per year?"))
    assert answer.answerable
    assert "28 days" in answer.text
    assert answer.corrections == {"hollidays": "holidays"}
    assert answer_as_json(answer)["corrections"] == answer.corrections


def test_a_cached_answer_and_a_cached_search_still_say_it(handbook: Corpus) -> None:
    question = "Who gets the holliday requests?"
    first, second = (answer_question(ask(handbook, question)) for _ in range(2))
    assert second.mode is AnswerMode.CACHED
    assert first.corrections == second.corrections == {"holliday": "holiday"}
    found = [search_as_json(search(ask(handbook, question))) for _ in range(2)]
    assert found[1]["cache"]["hit"]
    assert found[0]["corrections"] == found[1]["corrections"] == {"holliday": "holiday"}


def test_another_code_is_not_answered_without_a_warning(handbook: Corpus) -> None:
    for _ in range(2):  # the second time from what was kept
        answer = answer_question(ask(handbook, "What does error E1299 mean, is the paper jammed?"))
        assert answer.mode is AnswerMode.EXTRACTIVE
        assert [reason.code for reason in answer.reasons] == ["other_identifier"]
        assert answer.text.startswith("These documents don't name E1299")
        assert not is_degraded(answer.reasons)


@pytest.mark.parametrize("code", ["E1233", "E-1233", "E 1233"])
def test_the_same_code_is_answered_however_it_is_written(handbook: Corpus, code: str) -> None:
    answer = answer_question(ask(handbook, f"What does error {code} mean?"))
    assert not answer.reasons
    assert "jammed" in answer.text


def test_a_reply_knows_which_other_words_were_searched_also_when_it_is_kept(handbook: Corpus) -> None:
    question = "How many days of vacation, and who gets the request?"
    first, second = (search(ask(handbook, question)) for _ in range(2))
    assert second.age_seconds is not None
    assert first.alike == second.alike
    assert first.alike["vacation"] == ("holiday",)


def test_expansions_that_only_closed_documents_have_are_not_revealed(handbook: Corpus) -> None:
    document = add_document(handbook, "Fees: the penalty for noise is 5 euros.", "closed.txt")
    question = "What is the fine in a calendar year?"
    assert search(ask(handbook, question, use_cache=False)).alike["fine"] == ("penalty",)
    document.readers.add(Group.objects.create(name="readers"))
    found = search(ask(handbook, question, use_cache=False))
    assert found.passages
    assert "fine" not in found.alike
