"""While the model is unavailable an older answer is served, if all of its sources are unchanged and readable."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from pytest_django import Settings

from documents.access.policy import Principal
from documents.indexing.pipeline import index_document
from documents.models import Chunk, Corpus, Document, DocumentText
from documents.storage.deletion import delete_document
from documents.storage.file_store import path_of
from documents.uploads.acceptance import replace_file
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering.pipeline import answer_events, answer_question
from querying.cachestore.memory import memory
from querying.caching.keys import keys_of
from querying.models import CachedAnswer
from querying.types import Answer, AnswerMode, Done, Token
from tests.factories import make_user
from tests.querying.asking import ask, mode_of
from tests.querying.library import HANDBOOK, add_document, make_library

pytestmark = pytest.mark.django_db(transaction=True)
STALE, EXTRACTIVE, GENERATED = AnswerMode.STALE, AnswerMode.EXTRACTIVE, AnswerMode.GENERATED


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


@pytest.fixture
def before(corpus: Corpus, standin: StandIn) -> Answer:
    """An answer by the model. Then documents change, and the model goes away."""
    answer = answer_question(ask(corpus))
    assert answer.mode == GENERATED
    add_document(corpus, "Something else. It says nothing of what is asked here.", "else.txt")
    standin.stop()
    return answer


def codes(answer: Answer) -> list[str]:
    return [reason.code for reason in answer.reasons]


def test_an_older_answer_stands_in_for_the_model(corpus: Corpus, before: Answer) -> None:
    CachedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=30))
    answer = answer_question(ask(corpus))
    assert answer.mode == STALE
    assert (answer.text, answer.citations, answer.passages) == (before.text, before.citations, before.passages)
    assert answer.degraded
    assert codes(answer) == ["model_unavailable", "stale"]
    assert answer.cache.hit
    assert answer.cache.age_seconds == pytest.approx(30 * 3600, abs=60)
    assert answer.model == before.model


def test_it_is_streamed_too(corpus: Corpus, before: Answer) -> None:
    events = list(answer_events(ask(corpus)))
    done = events[-1]
    assert isinstance(done, Done)
    assert done.answer.mode == STALE
    assert "".join(event.text for event in events if isinstance(event, Token)) == before.text


def test_it_outlives_the_process(corpus: Corpus, before: Answer) -> None:
    memory().clear()
    assert mode_of(corpus) == STALE


def test_it_is_not_given_while_the_model_is_there(corpus: Corpus, standin: StandIn, before: Answer) -> None:
    standin.start()
    assert mode_of(corpus) == GENERATED


def test_nor_when_there_is_only_no_time(corpus: Corpus, standin: StandIn, before: Answer) -> None:
    standin.start()
    assert mode_of(corpus, seconds=0.9) == EXTRACTIVE


def test_nor_where_no_model_is_configured(corpus: Corpus, before: Answer, settings: Settings) -> None:
    settings.OLLAMA_BASE_URLS = []
    assert mode_of(corpus) == EXTRACTIVE


def test_a_stale_answer_is_not_served_without_use_cache(corpus: Corpus, before: Answer) -> None:
    assert mode_of(corpus, use_cache=False) == EXTRACTIVE


def test_nor_after_its_time(corpus: Corpus, before: Answer, settings: Settings) -> None:
    settings.STALE_TTL_SECONDS = 3600
    CachedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert mode_of(corpus) == EXTRACTIVE


def test_a_stale_answer_is_not_cached(corpus: Corpus, before: Answer) -> None:
    assert [mode_of(corpus), mode_of(corpus)] == [STALE, STALE]
    assert CachedAnswer.objects.count() == 1


def test_other_options_are_another_question(corpus: Corpus, before: Answer) -> None:
    assert mode_of(corpus, top_k=1) == EXTRACTIVE


def test_an_expired_answer_stands_in_as_well(corpus: Corpus, standin: StandIn, settings: Settings) -> None:
    answer_question(ask(corpus))
    standin.stop()
    CachedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=2))
    memory().clear()
    assert mode_of(corpus) == STALE


def test_of_several_the_newest_is_given(corpus: Corpus, standin: StandIn) -> None:
    first = answer_question(ask(corpus))
    standin.set(script=("Employees get twenty-five days [1].",))
    add_document(corpus, "Something else. It says nothing of what is asked here.", "else.txt")
    second = answer_question(ask(corpus))
    assert first.text != second.text
    add_document(corpus, "One more. It says nothing of what is asked here either.", "more.txt")
    standin.stop()
    assert answer_question(ask(corpus)).text == second.text


# Never from what is gone


def test_never_from_a_deleted_document(corpus: Corpus, before: Answer) -> None:
    kept = list(CachedAnswer.objects.all())
    delete_document(Document.objects.get(title="parking"))  # only among the passages, not cited
    CachedAnswer.objects.bulk_create(kept, ignore_conflicts=True)  # as if the deletion had not seen it
    answer = answer_question(ask(corpus))
    assert answer.mode == EXTRACTIVE
    assert "Visitors pay" not in str(answer)


def test_never_from_a_closed_document(corpus: Corpus, standin: StandIn) -> None:
    staff = Group.objects.create(name="staff")
    document = Document.objects.get(title="handbook")
    document.readers.add(staff)
    member = make_user()
    member.groups.add(staff)
    principal = Principal.of(member)
    assert mode_of(corpus, principal=principal) == GENERATED
    add_document(corpus, "Something else. It says nothing of what is asked here.", "else.txt")
    standin.stop()
    assert mode_of(corpus, principal=principal) == STALE
    assert mode_of(corpus) != STALE  # nobody
    document.readers.set([Group.objects.create(name="board")])
    answer = answer_question(ask(corpus, principal=principal))
    assert answer.mode != STALE
    assert "25 days" not in str(answer)


def test_never_from_a_closed_document_though_others_answer_the_question(corpus: Corpus, before: Answer) -> None:
    add_document(corpus, HANDBOOK.replace("25 days", "26 days").replace("Staff", "Old"), "old.txt")
    assert mode_of(corpus) == STALE
    document = Document.objects.get(title="handbook")
    rows = CachedAnswer.objects.all()
    document.readers.add(Group.objects.create(name="staff"))
    rows.update(stale_key=keys_of(ask(corpus)).stale)  # as if it had been asked with today's rights
    answer = answer_question(ask(corpus))
    assert answer.mode == EXTRACTIVE
    assert "25 days" not in str(answer)


def rewrite(document: Document, old: str, new: str) -> None:
    """Put a new version in place, as an indexing run does with a file that has changed."""
    text = path_of(document.file_key).read_text()
    replace_file(document, file=io.BytesIO(text.replace(old, new).encode()))
    assert index_document(document.pk) == "ready"


def test_never_from_a_passage_that_was_rewritten(corpus: Corpus, before: Answer) -> None:
    rewrite(Document.objects.get(title="handbook"), "25 days", "30 days")
    answer = answer_question(ask(corpus))
    assert answer.mode == EXTRACTIVE
    assert "25 days" not in str(answer)


def test_a_version_that_is_not_searched_is_no_source(corpus: Corpus, before: Answer) -> None:
    chunk = Chunk.objects.get(document__title="handbook")
    Chunk.objects.filter(pk=chunk.pk).update(text=chunk.text.replace("25 days", "30 days"))
    chunk.pk, chunk.version = None, chunk.version + 1  # being indexed
    chunk.save()
    assert mode_of(corpus) == EXTRACTIVE


def test_a_passage_that_was_moved_is_cited_where_it_stands_now(corpus: Corpus, before: Answer) -> None:
    document = Document.objects.get(title="handbook")
    text = DocumentText.objects.get(document=document)
    chunk = Chunk.objects.get(document=document)
    shift = "A preface of some length that is a chunk of its own.\n\n"
    DocumentText.objects.filter(pk=text.pk).update(text=shift + text.text)
    Chunk.objects.filter(pk=chunk.pk).update(start=chunk.start + len(shift), end=chunk.end + len(shift))
    Document.objects.filter(pk=document.pk).update(title="New handbook")
    answer = answer_question(ask(corpus))
    assert answer.mode == STALE
    citation = next(each for each in answer.citations if each.document_id == document.pk)
    assert (shift + text.text)[citation.start : citation.end] == citation.quote
    assert citation.document_title == answer.passages[citation.number - 1].document_title == "New handbook"


def test_never_beside_the_filter(corpus: Corpus, standin: StandIn) -> None:
    document = Document.objects.get(title="handbook")
    Document.objects.update(metadata={"year": 2026})
    filters = {"metadata": {"year": 2026}}
    assert mode_of(corpus, filters=filters) == GENERATED
    add_document(corpus, HANDBOOK.replace("Staff", "Other"), "other.txt")
    Document.objects.exclude(pk=document.pk).update(metadata={"year": 2026})
    Document.objects.filter(pk=document.pk).update(metadata={"year": 2020})
    standin.stop()
    answer = answer_question(ask(corpus, filters=filters))
    assert answer.mode != STALE
    assert document.pk not in {passage.document_id for passage in answer.passages}
