"""The whole way over HTTP: a file comes in, is indexed by a worker, is found, quoted and rated, and goes for good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from documents.models import ApiKey, Chunk, Document, Embedding, Tenant
from monitoring.lab.ollama_simulator.running import StandIn
from querying.models import Feedback
from tests.factories import make_tenant, make_user
from tests.querying.library import HANDBOOK, PARKING
from tests.uploads import stored_files
from tests.workers import run_worker

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "How many days of paid leave do employees get?"
MODELS = {"LLM_MODEL": "llama3.2:1b", "EMBED_MODEL": "nomic-embed-text"}


@dataclass(frozen=True)
class Program:
    """Somebody's program with a key."""

    url: str
    key: str = ""

    def call(self, method: str, path: str, expected: int = 200, **options: Any) -> Any:
        """Return the body of a reply, which has the status expected."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers |= options.pop("headers", {})
        reply = requests.request(method, f"{self.url}{path}", headers=headers, timeout=30, **options)
        assert reply.status_code == expected, reply.text
        if "event-stream" in reply.headers.get("Content-Type", ""):
            return events_of(reply.content.decode())
        return reply.json() if reply.content else None

    def ask(self, path: str = "query", expected: int = 200, **body: Any) -> Any:
        """Return what a question gets."""
        return self.call("POST", f"/api/v1/{path}", expected, json={"query": QUESTION, **body})

    def upload(self, text: str, name: str) -> str:
        """Return the id of a document that was accepted."""
        files = {"file": (name, text.encode())}
        body = self.call("POST", "/api/v1/documents", 202, data={"corpus": "handbook"}, files=files)
        assert body["status"] == "processing"
        return str(body["id"])

    def window(self, citation: dict[str, Any]) -> str:
        """Return the part of the document's text that a citation says it quotes."""
        params = {"start": citation["start"], "end": citation["end"]}
        document = citation["document"]["id"]
        return str(self.call("GET", f"/api/v1/documents/{document}/text", params=params)["text"])


def events_of(stream: str) -> list[tuple[str, Any]]:
    """Return name and data of each event, in their order."""
    blocks = [block.split("\n", 1) for block in stream.split("\n\n") if block and not block.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def program_of(user: User, server: LiveServer, *scopes: str) -> Program:
    return Program(server.url, ApiKey.issue(user, "a program", list(scopes or ("query", "ingest")))[1])


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    with StandIn(list(MODELS.values())) as server:
        settings.OLLAMA_BASE_URLS = [server.url]
        settings.LLM_MODEL, settings.EMBED_MODEL = MODELS.values()
        yield server


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(slug="works")


@pytest.fixture
def manager(tenant: Tenant, live_server: LiveServer) -> Program:
    return program_of(make_user(role="manager", tenant=tenant), live_server)


def index_all(standin: StandIn) -> None:
    """Let a worker process index what waits."""
    assert run_worker(OLLAMA_BASE_URL=standin.url, ENV_FILE="/nowhere", **MODELS) == 0


def test_a_file_is_found_quoted_streamed_rated_and_forgotten(manager: Program, standin: StandIn) -> None:
    manager.call("POST", "/api/v1/corpora", 201, json={"name": "Handbook", "slug": "handbook"})
    handbook, parking = manager.upload(HANDBOOK, "handbook.txt"), manager.upload(PARKING, "parking.txt")
    assert manager.ask("search")["passages"] == [], "nothing is found before it is indexed"
    index_all(standin)
    for document in (handbook, parking):
        assert manager.call("GET", f"/api/v1/documents/{document}")["status"] == "ready"

    found = manager.ask("search", corpora=["handbook"])
    assert found["passages"][0]["document_id"] == handbook
    assert {leg["name"]: leg["status"] for leg in found["legs"]} == {"lexical": "ok", "dense": "ok"}

    answer = manager.ask(use_cache=False)
    assert (answer["answer_mode"], answer["degraded"], answer["answerable"]) == ("generated", False, True)
    citation = answer["citations"][0]
    assert "25 days" in citation["quote"]
    assert citation["document"] == {"id": handbook, "title": "handbook", "source": "handbook.txt"}
    assert manager.window(citation) == citation["quote"]
    assert citation["quote"] in answer["passages"][citation["number"] - 1]["text"]

    events = manager.ask(stream=True, use_cache=False)
    names = [name for name, _ in events]
    assert (names[:2], names[-1]) == (["meta", "passages"], "done")
    assert set(names[2:-1]) == {"token"}
    done = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "token").strip() == done["answer"].strip()
    assert [each["quote"] for each in done["citations"]] == [each["quote"] for each in answer["citations"]]

    rated = manager.call("POST", "/api/v1/feedback", 201, json={"query_id": done["id"], "rating": 1})
    assert rated == {"query_id": done["id"], "rating": 1}
    assert Feedback.objects.get().query_id.hex == done["id"].replace("-", "")

    assert manager.ask()["cache"]["hit"] is False
    assert manager.ask()["cache"]["hit"] is True, "an answer that is kept"
    manager.call("DELETE", f"/api/v1/documents/{handbook}", 204)
    manager.call("GET", f"/api/v1/documents/{handbook}", 404)
    manager.call("GET", f"/api/v1/documents/{handbook}/text", 404)
    after = [manager.ask(), manager.ask("search"), manager.ask(stream=True)[-1][1], manager.ask(use_cache=False)]
    for body in after:
        assert handbook not in json.dumps(body)
        assert "25 days" not in json.dumps(body)
        assert {passage["document_id"] for passage in body["passages"]} <= {parking}
    assert not Chunk.objects.filter(document_id=handbook).exists()
    assert not Embedding.objects.filter(document_id=handbook).exists()
    assert stored_files() == 1, "its file is gone, too"


def test_a_closed_corpus_is_there_for_its_members_only_on_the_whole_way(
    manager: Program, standin: StandIn, tenant: Tenant, live_server: LiveServer
) -> None:
    manager.call("POST", "/api/v1/corpora", 201, json={"name": "Handbook", "slug": "handbook"})
    document = manager.upload(HANDBOOK, "handbook.txt")
    index_all(standin)
    member = program_of(make_user(role="reader", tenant=tenant), live_server, "query")
    answer = member.ask()
    assert member.window(answer["citations"][0]) == answer["citations"][0]["quote"]
    member.call("DELETE", f"/api/v1/documents/{document}", 403)
    member.call("POST", "/api/v1/feedback", 201, json={"query_id": answer["id"], "rating": -1})

    stranger = program_of(make_user(role="manager"), live_server)
    for outsider in (stranger, Program(live_server.url)):
        assert outsider.ask(expected=404)["code"] == "corpus_not_found"
        assert outsider.ask("search", 404, corpora=["handbook"])["code"] == "corpus_not_found"
        assert outsider.ask(expected=404, stream=True)["code"] == "corpus_not_found"
        assert outsider.call("GET", "/api/v1/corpora")["corpora"] == []
        assert outsider.call("GET", f"/api/v1/documents/{document}/text", 404)["code"] == "document_not_found"
        assert outsider.call("GET", f"/api/v1/documents/{document}", 404)["code"] == "document_not_found"
        rating = {"query_id": answer["id"], "rating": 1}
        assert outsider.call("POST", "/api/v1/feedback", 404, json=rating)["code"] == "query_not_found"
    assert Document.objects.filter(pk=document).exists()
