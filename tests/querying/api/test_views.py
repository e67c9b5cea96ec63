"""POST /api/v1/query, search, batches and feedback over HTTP."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings
from rest_framework.test import APIClient

from documents.models import ApiKey, Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.answering.pipeline import search
from querying.api.reply_shapes import AnswerSerializer, FoundSerializer
from querying.api.schema import ANSWER_EXAMPLE, SEARCH_EXAMPLE
from querying.api.views import QueryBatchView
from querying.concurrency import answer_slots
from querying.generation.citations import CITATION
from querying.models import Feedback, QueryLog
from ragsite.errors import DatabaseUnavailable
from tests.factories import make_corpus, make_user
from tests.querying.conftest import QUESTION
from tests.querying.library import make_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus() -> Corpus:
    return make_library(slug="handbook")


@pytest.fixture
def empty_corpus() -> Corpus:
    return make_corpus(is_public=True)


@pytest.fixture
def client() -> APIClient:
    return APIClient()


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(f"/api/v1/{path}", body, format="json", headers=headers)


def keys_of(value: Any) -> Any:
    """Return the keys of a body, of lists those of the first item."""
    if isinstance(value, dict):
        return {key: keys_of(item) for key, item in value.items() if key not in {"timings_ms", "legs"}}
    return keys_of(value[0]) if isinstance(value, list) and value else None


def test_an_answer_has_the_canonical_shape(client: APIClient, corpus: Corpus, standin: StandIn) -> None:
    reply = post(client, "query", {"query": QUESTION, "corpora": ["handbook"]})
    assert reply.status_code == 200, reply.content
    body = reply.json()
    assert keys_of(body) == keys_of(ANSWER_EXAMPLE)
    assert set(body) == set(AnswerSerializer().fields)
    assert body["answer_mode"] == "generated"
    assert body["citations"][0]["document"]["title"] == "handbook"
    assert body["cache"] == {"hit": False, "similarity": None, "age_seconds": None}
    assert {leg["name"]: leg["status"] for leg in body["legs"]} == {"lexical": "ok", "dense": "ok"}
    assert body["timings_ms"]["total"] >= body["timings_ms"]["generate"]


def test_a_quote_is_that_part_of_the_documents_text(client: APIClient, corpus: Corpus) -> None:
    body = post(client, "query", {"query": QUESTION}).json()
    citation = body["citations"][0]
    window = {"start": citation["start"], "end": citation["end"]}
    text = client.get(f"/api/v1/documents/{citation['document']['id']}/text", window).json()
    assert text["text"] == citation["quote"]


def test_the_style_says_how_much_is_quoted(client: APIClient, corpus: Corpus) -> None:
    question = {"query": "office leave parking"}
    short, full = (post(client, "query", {**question, "answer_style": style}).json() for style in ("short", "full"))
    assert len(full["answer"]) > len(short["answer"])
    assert len(full["citations"]) >= len(short["citations"]) >= 1
    assert short["answer"] == post(client, "query", question).json()["answer"], "short is the default"
    for answer in (short, full):
        assert [each["number"] for each in answer["citations"]] == [int(n) for n in CITATION.findall(answer["answer"])]
    refused = post(client, "query", {**question, "answer_style": "long"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "answer_style"


def test_a_search_has_the_canonical_shape(client: APIClient, corpus: Corpus) -> None:
    body = post(client, "search", {"query": QUESTION, "top_k": 1}).json()
    assert keys_of(body) == keys_of(SEARCH_EXAMPLE)
    assert set(body) == set(FoundSerializer().fields)
    assert len(body["passages"]) == 1
    assert QueryLog.objects.count() == 0


def events_of(reply: Any) -> list[tuple[str, Any]]:
    blocks = b"".join(reply.streaming_content).decode().split("\n\n")
    found = []
    for block in blocks:
        if block and not block.startswith(":"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


@pytest.mark.parametrize(
    ("stream", "accept", "streamed"),
    [
        (True, "*/*", True),
        (None, "text/event-stream", True),
        (True, "text/event-stream", True),
        (None, "application/json", False),
        (False, "*/*", False),
        (False, "text/event-stream", False),  # the body is the plainer word
    ],
)
def test_an_answer_is_streamed_on_demand(
    client: APIClient, corpus: Corpus, stream: bool | None, accept: str, streamed: bool
) -> None:
    body = {"query": QUESTION} | ({} if stream is None else {"stream": stream})
    reply = post(client, "query", body, Accept=accept)
    assert reply.status_code == 200
    assert reply.streaming is streamed
    if streamed:
        assert reply["Content-Type"] == "text/event-stream"
        assert reply["X-Accel-Buffering"] == "no"
        assert "no-cache" in reply["Cache-Control"]
        events = events_of(reply)
        assert [name for name, _ in events] == ["meta", "passages", "token", "done"]
        assert set(events[-1][1]) == set(AnswerSerializer().fields)
    else:
        assert reply["Content-Type"] == "application/json"
        assert reply.json()["answer"]
    assert answer_slots.taken() == 0


def test_a_problem_before_the_stream_has_its_status(client: APIClient, empty_corpus: Corpus) -> None:
    for body, status in [({"query": ""}, 400), ({"query": "x", "corpora": ["nope"]}, 404)]:
        reply = post(client, "query", body, Accept="text/event-stream")
        assert reply.status_code == status
        assert reply["Content-Type"] == "application/problem+json"
        assert reply.json()["status"] == status


def test_a_bad_filter_is_refused_before_the_stream(client: APIClient, empty_corpus: Corpus) -> None:
    reply = post(client, "query", {"query": "x", "stream": True, "filters": {"colour": "red"}})
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["field"] == "filters"


def test_filters_limit_what_is_found(client: APIClient, corpus: Corpus) -> None:
    body = post(client, "search", {"query": "employees", "filters": {"source": "parking.txt"}}).json()
    assert {passage["source"] for passage in body["passages"]} == {"parking.txt"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "  "}, "query"),
        ({"query": 5}, "query"),
        ({"query": None}, "query"),
        ({"query": ["x"]}, "query"),
        ({"query": "x" * 4001}, "query"),
        ({"query": "a\x00b"}, "query"),
        ({"query": "x", "top_k": 0}, "top_k"),
        ({"query": "x", "top_k": -1}, "top_k"),
        ({"query": "x", "top_k": 101}, "top_k"),
        ({"query": "x", "top_k": True}, "top_k"),
        ({"query": "x", "top_k": 1.5}, "top_k"),
        ({"query": "x", "top_k": 10**400}, "top_k"),
        ({"query": "x", "mode": "turbo"}, "mode"),
        ({"query": "x", "mode": ["fast"]}, "mode"),
        ({"query": "x", "corpora": "handbook"}, "corpora"),
        ({"query": "x", "corpora": [{}]}, "corpora.0"),
        ({"query": "x", "corpora": ["x"] * 51}, "corpora"),
        ({"query": "x", "filters": []}, "filters"),
        ({"query": "x", "stream": "maybe"}, "stream"),
        ({"query": "x", "deadline_ms": 0}, "deadline_ms"),
        ({"query": "x", "deadline_ms": True}, "deadline_ms"),
        ({"query": "x", "topk": 3}, "topk"),
        ([], "body"),
        ("x", "body"),
    ],
)
def test_a_field_that_is_wrong_is_named(client: APIClient, empty_corpus: Corpus, body: Any, field: str) -> None:
    reply = post(client, "query", body)
    assert reply.status_code == 400, reply.content
    assert reply["Content-Type"] == "application/problem+json"
    problem = reply.json()
    assert problem["code"] == "invalid_input"
    assert field in [error["field"] for error in problem["errors"]], problem


def test_a_body_that_is_too_large_is_not_read(client: APIClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    reply = post(client, "query", {"query": "x" * 1000})
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_a_number_that_is_none_is_refused(client: APIClient) -> None:
    for number in ["1e999", "NaN", "-Infinity"]:
        body = f'{{"query": "x", "filters": {{"metadata": {{"a": {number}}}}}}}'
        reply = client.post("/api/v1/query", body, content_type="application/json")
        assert (reply.status_code, reply.json()["code"]) == (400, "parse_error")


def test_the_error_for_an_unknown_field_names_the_known_ones(client: APIClient, empty_corpus: Corpus) -> None:
    message = post(client, "query", {"query": "x", "topk": 3}).json()["errors"][0]["message"]
    assert "top_k" in message


def test_a_deadline_may_come_in_a_header_and_the_shorter_one_counts(
    client: APIClient, corpus: Corpus, standin: StandIn
) -> None:
    standin.set(first_token_seconds=5)
    for body, headers in [({"deadline_ms": 800}, {}), ({"deadline_ms": 60_000}, {"X-Deadline-Ms": "800"})]:
        answer = post(client, "query", {"query": QUESTION, **body}, **headers).json()
        assert answer["answer_mode"] == "extractive"
        assert {reason["code"] for reason in answer["degraded_reasons"]} & {"deadline", "model_slow"}


@pytest.mark.parametrize("header", ["soon", "-5", "0", "1.5", "9" * 5000, ""])
def test_a_bad_deadline_header_is_named(client: APIClient, empty_corpus: Corpus, header: str) -> None:
    reply = post(client, "query", {"query": "x"}, **{"X-Deadline-Ms": header})
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["field"] == "X-Deadline-Ms"


def test_a_deadline_above_the_maximum_is_cut(client: APIClient, corpus: Corpus) -> None:
    assert post(client, "query", {"query": QUESTION, "deadline_ms": 10**15}).status_code == 200


def test_anonymous_callers_may_ask_public_corpora_only(client: APIClient, corpus: Corpus) -> None:
    make_corpus(slug="secret")
    assert post(client, "search", {"query": QUESTION}).status_code == 200
    for body in [{"query": "x", "corpora": ["secret"]}, {"query": "x", "corpora": ["handbook", "secret"]}]:
        reply = post(client, "query", body)
        assert (reply.status_code, reply.json()["code"]) == (404, "corpus_not_found")


def test_without_a_corpus_to_ask_there_is_none(client: APIClient) -> None:
    make_corpus(slug="secret")
    reply = post(client, "query", {"query": "x"})
    assert (reply.status_code, reply.json()["code"]) == (404, "corpus_not_found")


def test_a_key_opens_the_corpora_of_its_user(client: APIClient) -> None:
    closed = make_library(slug="closed", is_public=False)
    _, secret = ApiKey.issue(make_user(role="reader", tenant=closed.tenant), "test", ["query"])
    reply = post(client, "query", {"query": QUESTION, "corpora": ["closed"]}, Authorization=f"Bearer {secret}")
    assert reply.status_code == 200
    assert "25 days" in reply.json()["answer"]
    assert post(client, "query", {"query": "x"}, Authorization="Bearer rag_x_y").status_code == 401


def test_a_corpus_has_its_own_defaults(client: APIClient, corpus: Corpus, standin: StandIn) -> None:
    Corpus.objects.update(defaults={"top_k": 1, "mode": "fast"})
    assert len(post(client, "query", {"query": QUESTION}).json()["passages"]) == 1
    assert standin.requests("chat")[0]["options"]["num_predict"] == 256
    Corpus.objects.update(defaults={"top_k": "many", "mode": 5})  # from before there was a check
    assert post(client, "query", {"query": QUESTION}).status_code == 200


def test_a_batch_answers_each_question_in_order(client: APIClient, corpus: Corpus) -> None:
    body = {"queries": [QUESTION, "Where do visitors pay for parking?"], "top_k": 2}
    answers = post(client, "query/batch", body).json()["results"]
    assert "25 days" in answers[0]["answer"]
    assert "gate machine" in answers[1]["answer"]
    assert len({answer["id"] for answer in answers}) == 2
    searches = post(client, "search/batch", body).json()["results"]
    assert [each["passages"][0]["source"] for each in searches] == ["handbook.txt", "parking.txt"]
    assert answer_slots.taken() == 0


@pytest.mark.parametrize("queries", [[], "x", ["x"] * 21, [""], [5], None, ["y" * 4001]])
def test_a_batch_is_bounded(client: APIClient, empty_corpus: Corpus, queries: Any) -> None:
    for path in ["query/batch", "search/batch"]:
        assert post(client, path, {"queries": queries}).status_code == 400


def test_one_question_that_fails_does_not_fail_the_batch(
    client: APIClient, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def some_fail(asked: Any) -> Any:
        if asked.text == "fail":
            raise DatabaseUnavailable
        return search(asked)

    monkeypatch.setattr("querying.api.replying.search", some_fail)
    results = post(client, "search/batch", {"queries": [QUESTION, "fail"]}).json()["results"]
    assert results[0]["passages"]
    assert results[1]["error"]["code"] == "database_unavailable"


def test_without_a_database_there_is_no_rung_left(
    client: APIClient, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("querying.retrieval.pipeline.rank", broken)
    reply = post(client, "query", {"query": QUESTION})
    assert (reply.status_code, reply.json()["code"]) == (503, "database_unavailable")
    assert int(reply["Retry-After"]) >= 1
    name, problem = events_of(post(client, "query", {"query": QUESTION, "stream": True}))[-1]
    assert (name, problem["status"]) == ("error", 503)
    assert problem["retry_after_seconds"] >= 1


@pytest.mark.parametrize(("body", "cost"), [({"queries": ["a", "b", "c"]}, 3), ({"queries": "x"}, 1), ({}, 1), ([], 1)])
def test_a_batch_counts_as_so_many_requests(body: Any, cost: int) -> None:
    assert QueryBatchView().throttle_cost(SimpleNamespace(data=body)) == cost  # type: ignore[arg-type]


def test_too_many_answers_in_the_making_are_refused_with_a_time_to_come_back(
    client: APIClient, corpus: Corpus, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_OPEN_STREAMS = 0
    monkeypatch.setattr(answer_slots, "WAIT_SECONDS", 0.01)
    for stream in (False, True):
        reply = post(client, "query", {"query": QUESTION, "stream": stream})
        assert (reply.status_code, reply.json()["code"]) == (503, "overloaded")
        assert int(reply["Retry-After"]) >= 1
    assert post(client, "search", {"query": QUESTION}).status_code == 200


def test_feedback_is_kept_and_the_latest_word_counts(client: APIClient, corpus: Corpus) -> None:
    answer = post(client, "query", {"query": QUESTION}).json()
    reply = post(client, "feedback", {"query_id": answer["id"], "rating": -1, "comment": "Too short."})
    assert (reply.status_code, reply.json()) == (201, {"query_id": answer["id"], "rating": -1})
    assert post(client, "feedback", {"query_id": answer["id"], "rating": 1}).status_code == 201
    kept = Feedback.objects.get()
    assert (str(kept.query_id), kept.rating, kept.comment, kept.user) == (answer["id"], 1, "", None)


def test_an_answer_is_rated_by_whom_it_was_given_to(client: APIClient, corpus: Corpus) -> None:
    asker, other = make_user(), make_user()
    client.force_authenticate(asker)
    answer = post(client, "query", {"query": QUESTION}).json()
    body = {"query_id": answer["id"], "rating": 1}
    for somebody in [other, None]:
        client.force_authenticate(somebody)
        assert post(client, "feedback", body).status_code == 404
    client.force_authenticate(asker)
    assert post(client, "feedback", body).status_code == 201
    assert Feedback.objects.get().user == asker


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query_id": "x", "rating": 1},
        {"query_id": str(uuid.uuid4()), "rating": 0},
        {"query_id": str(uuid.uuid4()), "rating": "great"},
        {"query_id": str(uuid.uuid4()), "rating": 1, "comment": "x" * 2001},
        {"query_id": str(uuid.uuid4()), "rating": 1, "stars": 5},
    ],
)
def test_bad_feedback_is_refused(client: APIClient, empty_corpus: Corpus, body: Any) -> None:
    assert post(client, "feedback", body).status_code == 400


def test_feedback_on_nothing_is_not_found(client: APIClient) -> None:
    reply = post(client, "feedback", {"query_id": str(uuid.uuid4()), "rating": 1})
    assert (reply.status_code, reply.json()["code"]) == (404, "query_not_found")
