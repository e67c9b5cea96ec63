"""Retrieval from indexed documents, and from documents that are being indexed or deleted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from pytest_django import Settings

from documents.access.policy import NOBODY, Principal
from documents.models import Chunk, Corpus, EmbeddingSpace
from monitoring.lab.ollama_simulator.running import StandIn
from querying.passages import Retrieved
from querying.retrieval.pipeline import retrieve
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable, DeadlineExceeded, InvalidInput
from tests.factories import make_corpus, make_user
from tests.stock import add_version, stock

LEAVE = "Employees get 25 days of paid leave per calendar year."
OFFICE = "The office in Hamburg opens at nine o'clock."
TRAINS = "Business trips of more than 300 kilometres are booked by rail."


def ask(question: str, *corpora: Corpus, top_k: int = 5, **options: object) -> Retrieved:
    options.setdefault("principal", NOBODY)
    options.setdefault("deadline", Deadline.after(20))
    return retrieve(question, corpora, top_k=top_k, **options)  # type: ignore[arg-type]


def texts(retrieved: Retrieved) -> list[str]:
    return [passage.text for passage in retrieved.passages]


def statuses(retrieved: Retrieved) -> dict[str, str]:
    return {leg.name: leg.status for leg in retrieved.legs}


@pytest.fixture
def corpus(db: None) -> Corpus:
    corpus = make_corpus(is_public=True, slug="handbook")
    stock(corpus, LEAVE, OFFICE, title="Handbook", source="handbook.pdf")
    stock(corpus, TRAINS, title="Travel")
    return corpus


def test_the_passage_that_answers_comes_first_with_all_that_is_shown(corpus: Corpus) -> None:
    found = ask("How many days of paid leave do employees get?", corpus)
    first = found.passages[0]
    assert (first.text, first.document_title, first.document_source) == (LEAVE, "Handbook", "handbook.pdf")
    assert (first.corpus_slug, first.start, first.end, first.page) == ("handbook", 0, len(LEAVE), None)
    assert first.legs.keys() == {"lexical", "dense"}
    assert 0 < first.legs["dense"] <= 1 < first.legs["lexical"]
    assert statuses(found) == {"lexical": "ok", "dense": "ok"}
    assert found.answerable
    assert {"embed", "lexical", "dense", "retrieve"} <= found.timings_ms.keys()
    assert [passage.score for passage in found.passages] == sorted((p.score for p in found.passages), reverse=True)
    assert all(0 <= passage.score <= 1 for passage in found.passages)


def test_a_question_about_something_else_is_not_answerable(corpus: Corpus) -> None:
    for number in range(20):
        stock(corpus, f"Rule {number} is about parking lots, gate machines and visitors of building {number}.")
    assert not ask("Which enzyme unwinds the double helix of DNA?", corpus).answerable
    assert ask("How many days of paid leave do employees get?", corpus).answerable


def test_a_corpus_whose_first_document_has_just_come_is_not_said_to_hold_nothing(db: None) -> None:
    corpus = make_corpus(is_public=True)
    before = Corpus.objects.get(pk=corpus.pk)  # its counts as somebody looked them up a moment ago
    stock(corpus, "Employees get 25 days of paid leave per calendar year.")
    assert before.chunk_count == 0
    found = ask("How many days of paid leave do employees get?", before)
    assert (found.answerable, found.is_uncertain) == (True, True)


def test_top_k_is_how_many_there_are(corpus: Corpus) -> None:
    assert len(texts(ask("office", corpus, top_k=1))) == 1
    assert len(texts(ask("office", corpus, top_k=50))) == 3


@pytest.mark.parametrize("question", ["", "   ", "?!", "\x00", "\ud800", "'; DROP TABLE", "a" * 4000, "🙂", "the the"])
def test_no_question_is_an_error(corpus: Corpus, question: str) -> None:
    found = ask(question, corpus)
    assert "failed" not in statuses(found).values()


def test_a_blank_question_has_no_meaning_and_finds_nothing(corpus: Corpus) -> None:
    found = ask("", corpus)
    assert texts(found) == []
    assert statuses(found)["dense"] == "skipped"
    assert not found.answerable


def test_words_that_stand_together_count(corpus: Corpus) -> None:
    # The same words, so that neither BM25 nor a mean of word vectors can tell them apart.
    stock(corpus, "In the park a man bit the black dog.", "In the park a black dog bit the man.")
    assert texts(ask("Where was it that a black dog bit the man?", corpus))[0].startswith("In the park a black dog")
    assert texts(ask("Where was it that a man bit the black dog?", corpus))[0].startswith("In the park a man")


def test_several_corpora_are_one_ranking(corpus: Corpus) -> None:
    other = make_corpus(is_public=True, slug="other")
    stock(other, "Paid leave: employees of the other company get 30 days of paid leave.")
    found = ask("How many days of paid leave do employees get?", corpus, other)
    assert {passage.corpus_slug for passage in found.passages[:2]} == {"handbook", "other"}
    assert set(statuses(found)) == {"handbook/lexical", "handbook/dense", "other/lexical", "other/dense"}


def test_an_empty_corpus_finds_nothing(db: None) -> None:
    found = ask("anything", make_corpus(is_public=True))
    assert texts(found) == []
    assert not found.answerable
    assert texts(ask("anything", make_corpus(is_public=True, with_space=False))) == []


def test_filters_limit_and_bad_ones_are_named(corpus: Corpus) -> None:
    assert texts(ask("leave office trips", corpus, filters={"source": "handbook.pdf"})) != []
    assert TRAINS not in texts(ask("leave office trips", corpus, filters={"source": "handbook.pdf"}))
    assert texts(ask("leave", corpus, filters={"document": str(uuid4())})) == []
    with pytest.raises(InvalidInput):
        ask("leave", corpus, filters={"colour": "red"})


def test_what_is_closed_to_the_asker_is_never_found(corpus: Corpus) -> None:
    secret = stock(corpus, "The secret merger with Initech is planned for May.", title="Board")
    group = Group.objects.create(name="board")
    secret.readers.add(group)
    insider = make_user(role="reader", tenant=corpus.tenant)
    insider.groups.add(group)
    for mode in ("fast", "balanced", "quality"):
        for filters in (None, {"document": str(secret.pk)}):
            assert all(
                "Initech" not in text for text in texts(ask("Initech merger", corpus, filters=filters, mode=mode))
            )
    assert "Initech" in texts(ask("Initech merger", corpus, principal=Principal.of(insider)))[0]


def test_versions_that_are_being_written_are_not_found_and_hide_nothing(corpus: Corpus) -> None:
    document = corpus.documents.get(title="Travel")
    drafts = [f"{TRAINS} Draft {number}." for number in range(120)]
    add_version(document, drafts, version=2)
    found = ask("Which business trips are booked by rail?", corpus, top_k=50)
    assert sorted(texts(found)) == sorted([LEAVE, OFFICE, TRAINS])
    assert [leg.name for leg in found.legs] == ["lexical", "dense"]  # though it looked twice


# When something is missing.


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    with StandIn(["nomic-embed-text"]) as server:
        settings.OLLAMA_BASE_URLS = [server.url]
        yield server


@pytest.fixture
def modelled(standin: StandIn, db: None) -> Corpus:
    corpus = make_corpus(is_public=True, with_space=False)
    EmbeddingSpace.objects.create(corpus=corpus, provider="ollama", model="nomic-embed-text", status="live")
    stock(corpus, LEAVE, OFFICE)
    return corpus


def test_the_model_server_embeds_the_question(modelled: Corpus) -> None:
    found = ask("How many days of paid leave do employees get?", modelled)
    assert statuses(found) == {"lexical": "ok", "dense": "ok"}
    assert texts(found)[0] == LEAVE


def test_without_the_model_server_the_keyword_leg_answers(modelled: Corpus, standin: StandIn) -> None:
    standin.stop()
    found = ask("How many days of paid leave do employees get?", modelled)
    assert statuses(found) == {"lexical": "ok", "dense": "failed"}
    assert texts(found)[0] == LEAVE
    assert "dense" not in found.passages[0].legs
    standin.start()


def test_a_model_server_that_hangs_costs_a_part_of_the_deadline(modelled: Corpus, standin: StandIn) -> None:
    standin.fail("hang")
    deadline = Deadline.after(3)
    found = ask("How many days of paid leave do employees get?", modelled, deadline=deadline)
    assert statuses(found)["lexical"] == "ok"
    assert statuses(found)["dense"] in {"late", "failed"}
    assert texts(found)[0] == LEAVE
    assert deadline.remaining() > 0.5


def test_a_leg_that_fails_is_named_and_the_other_one_answers(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr("querying.retrieval.candidates.lexical_leg", fails)
    found = ask("How many days of paid leave do employees get?", corpus)
    assert statuses(found) == {"lexical": "failed", "dense": "ok"}
    assert texts(found)[0] == LEAVE
    assert found.answerable  # nothing speaks against it
    monkeypatch.setattr("querying.retrieval.candidates.dense_leg", fails)
    with pytest.raises(DatabaseUnavailable):
        ask("leave", corpus)


def test_a_leg_that_takes_too_long_is_late(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleeps(*args: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    monkeypatch.setattr("querying.retrieval.candidates.dense_leg", sleeps)
    deadline = Deadline.after(1.0)
    with pytest.raises(DeadlineExceeded):
        monkeypatch.setattr("querying.retrieval.candidates.lexical_leg", sleeps)
        ask("leave", corpus, deadline=deadline)
    assert deadline.remaining() == 0


def test_no_time_left_is_said_so(corpus: Corpus) -> None:
    with pytest.raises(DeadlineExceeded):
        ask("leave", corpus, deadline=Deadline.after(0))


@pytest.mark.django_db(transaction=True)
def test_there_is_always_something_to_find_while_a_document_is_replaced() -> None:
    corpus = make_corpus(is_public=True)
    document = stock(corpus, LEAVE, OFFICE)
    stock(corpus, TRAINS)
    stop, empty = threading.Event(), []

    def keep_asking() -> None:
        try:
            while not stop.is_set():
                empty.append(len(texts(ask("paid leave of employees", corpus))) < 3)
        finally:
            connection.close()

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        for version in range(2, 12):
            add_version(document, [LEAVE, OFFICE], version=version)
            with transaction.atomic():
                document.version = version
                document.save()
                Chunk.objects.filter(document=document, version__lt=version).delete()
    finally:
        stop.set()
        thread.join()
    assert len(empty) > 0
    assert not any(empty)
