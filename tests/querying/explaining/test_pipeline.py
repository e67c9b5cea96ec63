"""Why a document was not found: each reason once, and the ranks of its passages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from pytest_django import Settings

from documents.access.policy import NOBODY, Principal
from documents.models import Corpus, Document, ReaderGroup
from monitoring.lab.ollama_simulator.running import StandIn
from querying.explaining.askers import asker_named
from querying.explaining.pipeline import Explanation, explain
from querying.retrieval import candidates
from querying.types import Question
from ragsite.deadline import Deadline
from ragsite.errors import InvalidInput, OllamaUnavailable
from tests.factories import make_corpus, make_user
from tests.querying.conftest import QUESTION
from tests.stock import stock
from tests.uploads import upload

pytestmark = pytest.mark.django_db
LEAVE = "Employees get 25 days of paid leave per calendar year."
OFFICE = "The office in Hamburg opens at nine o'clock."
TRAINS = "Business trips of more than 300 kilometres are booked by rail."


@pytest.fixture
def corpus() -> Corpus:
    return make_corpus(is_public=True, slug="handbook")


@pytest.fixture
def document(corpus: Corpus) -> Document:
    stock(corpus, TRAINS, OFFICE, title="Travel")
    return stock(corpus, LEAVE, title="Handbook", source="handbook.pdf")


def why(document: Document, text: str = QUESTION, *, corpora: tuple[Corpus, ...] = (), **options: Any) -> Explanation:
    """Return what became of a document when a superuser asked."""
    asker = options.pop("asker", None)
    options = {"principal": Principal.of(make_user(is_superuser=True)), "deadline": Deadline.after(20), **options}
    corpora = corpora or (Corpus.objects.get(pk=document.corpus_id),)
    return explain(Question(text=text, corpora=corpora, **options), document, asker=asker)


def codes(explanation: Explanation) -> list[str]:
    return [reason.code for reason in explanation.reasons]


def test_what_was_found_has_its_ranks_and_no_reason(document: Document) -> None:
    explanation = why(document)
    assert (explanation.found, codes(explanation), explanation.answerable) == (True, [], True)
    [first] = explanation.passages
    assert (first.passage.text, first.in_answer, first.reason) == (LEAVE, True, None)
    assert (first.lexical.rank, first.dense.rank, first.fused.rank) == (1, 1, 1)
    assert first.lexical.score and first.dense.score and first.fused.score
    assert explanation.candidates == 3
    assert explanation.limits == {"lexical": 200, "dense": 100, "passages": 5}


def test_a_worse_document_has_worse_ranks(corpus: Corpus, document: Document) -> None:
    better = why(document).passages[0]
    explanation = why(Document.objects.get(title="Travel"))
    places = [each.fused.rank for each in explanation.passages]
    assert places == [2, 3]
    assert {each.dense.rank for each in explanation.passages} == {2, 3}
    assert explanation.passages[0].dense.score is not None
    assert better.dense.score is not None
    assert explanation.passages[0].dense.score < better.dense.score


def test_a_document_that_waits_is_not_indexed_yet(corpus: Corpus) -> None:
    explanation = why(upload(corpus, LEAVE))
    assert (codes(explanation), explanation.found, explanation.passages) == (["not_indexed"], False, ())


def test_a_document_that_is_indexed_again_is_found_as_it_was(document: Document) -> None:
    document.status = Document.Status.PROCESSING
    explanation = why(document)
    assert (codes(explanation), explanation.found) == (["not_indexed"], True)
    assert "older version" in explanation.reasons[0].message


def test_a_document_that_failed_says_why(corpus: Corpus) -> None:
    document = upload(corpus, LEAVE)
    document.status, document.error_detail = Document.Status.FAILED, "The file is damaged."
    explanation = why(document)
    assert codes(explanation) == ["failed"]
    assert "The file is damaged." in explanation.reasons[0].message


def test_a_document_without_some_of_its_text_says_so(document: Document) -> None:
    document.is_partial = True
    assert codes(why(document)) == ["partial"]


def test_a_document_of_a_corpus_that_was_not_asked(document: Document) -> None:
    explanation = why(document, corpora=(make_corpus(slug="other"),))
    assert (codes(explanation), explanation.found, explanation.answerable) == (["other_corpus"], False, None)
    assert "handbook" in explanation.reasons[0].message
    [passage] = explanation.passages
    assert passage.dense.score is not None
    assert (passage.dense.rank, passage.fused.rank, passage.reason) == (None, None, None)


def test_a_document_that_a_filter_leaves_out(document: Document) -> None:
    explanation = why(document, filters={"source": "other.pdf", "language": "en"})
    assert (codes(explanation), explanation.found) == (["filtered"], False)
    assert explanation.reasons[0].message == "The question's filters leave it out: source."


def test_a_document_within_the_filters_is_found(document: Document) -> None:
    assert why(document, filters={"source": "handbook.pdf"}).found


def test_a_document_of_a_corpus_that_the_asker_may_not_read(document: Document) -> None:
    Corpus.objects.update(is_public=False)
    explanation = why(document, asker=NOBODY)
    assert (codes(explanation), explanation.found) == (["not_readable"], False)
    assert "isn't signed in may not read the corpus handbook" in explanation.reasons[0].message


def test_a_document_that_only_other_readers_may_read(document: Document) -> None:
    tenant = document.tenant
    board = Group.objects.create(name="Board")
    ReaderGroup.objects.create(tenant=tenant, group=board)
    document.readers.add(board)
    member = make_user(role="reader", tenant=tenant, username="rita")
    explanation = why(document, asker=Principal.of(member))
    assert (codes(explanation), explanation.found) == (["not_readable"], False)
    assert "rita may not read this document; its readers: Board." in explanation.reasons[0].message
    member.groups.add(board)
    assert why(document, asker=Principal.of(member)).found


def test_a_passage_below_the_best_ones(corpus: Corpus, document: Document) -> None:
    explanation = why(Document.objects.get(title="Travel"), top_k=1)
    assert codes(explanation)[0] == "below_top_k"
    assert "2 of 3 candidates" in explanation.reasons[0].message
    assert not explanation.found


def test_a_passage_that_was_no_candidate(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(candidates.LIMITS, "balanced", (1, 1))
    explanation = why(Document.objects.get(title="Travel"))
    assert codes(explanation)[0] == "below_candidates"
    passage = explanation.passages[0]
    assert passage.dense.score is not None
    assert (passage.dense.rank, passage.fused.rank) == (None, None)


def test_a_document_without_a_word_of_the_question(document: Document) -> None:
    explanation = why(Document.objects.get(title="Travel"), top_k=1)
    assert codes(explanation) == ["below_top_k", "no_common_words"]


def test_a_question_in_another_language(document: Document) -> None:
    explanation = why(Document.objects.get(title="Travel"), "Wie viele Tage hat der Urlaub und wann ist er?", top_k=1)
    assert "other_language" in codes(explanation)
    message = explanation.reasons[-1].message
    assert "in de" in message
    assert "wordllama, does not know de" in message


def test_a_question_in_the_corpus_own_language_is_none_in_another(document: Document) -> None:
    assert "other_language" not in codes(why(Document.objects.get(title="Travel"), top_k=1))


def test_a_passage_that_the_context_has_no_room_for(document: Document, standin: StandIn, settings: Settings) -> None:
    settings.OLLAMA_NUM_CTX = 700
    explanation = why(document)
    assert codes(explanation) == ["truncated"]
    assert explanation.passages[0].in_answer
    settings.OLLAMA_NUM_CTX = 4096
    assert codes(why(document)) == []


def test_a_document_that_was_found_and_judged_not_to_answer(document: Document) -> None:
    explanation = why(document, "What is the boiling point of liquid helium?")
    assert (codes(explanation), explanation.answerable) == (["not_answerable"], False)


def test_a_search_that_did_not_work(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> dict[int, float]:
        raise OllamaUnavailable

    monkeypatch.setattr(candidates, "dense_leg", broken)
    explanation = why(document)
    assert codes(explanation) == ["leg_failed"]
    assert "dense" in explanation.reasons[0].message


def test_ranks_are_counted_in_the_document_s_own_corpus(document: Document) -> None:
    other = make_corpus(slug="other")
    stock(other, LEAVE, "Paid leave of employees: 25 days a year.", title="Copy")
    own = Corpus.objects.get(pk=document.corpus_id)
    explanation = why(document, corpora=(own, other))
    assert explanation.passages[0].dense.rank == 1
    assert explanation.candidates == 5


def test_managers_name_members_of_their_tenant_and_nobody_else(document: Document) -> None:
    tenant = document.tenant
    manager, editor = (make_user(role=role, tenant=tenant) for role in ("manager", "editor"))
    make_user(role="reader", tenant=tenant, username="rita")
    make_user(role="reader", username="stranger")
    mine = Principal.of(manager)
    named = asker_named(mine, document, "rita").user
    assert named is not None
    assert named.get_username() == "rita"
    assert asker_named(mine, document, "") == NOBODY
    assert asker_named(mine, document, manager.get_username()) == mine
    for principal, name in [(mine, "stranger"), (mine, "no one"), (Principal.of(editor), "rita")]:
        with pytest.raises(InvalidInput):
            asker_named(principal, document, name)


def test_a_rank_ends_where_a_leg_s_candidates_end(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(candidates.LIMITS, "balanced", (1, 100))
    explanation = why(Document.objects.get(title="Travel"), QUESTION + " Is there an office?")
    office = next(each for each in explanation.passages if each.passage.text == OFFICE)
    assert office.lexical.score
    assert (office.lexical.rank, office.fused.rank) == (None, 2)
