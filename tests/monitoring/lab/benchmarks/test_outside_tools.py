"""What ships for Locust and ab is what the API takes."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from documents.models import ApiKey, Document, Membership
from monitoring.serving.first_start import DEMO_CORPUS
from ragsite.paths import PROJECT
from tests.factories import make_corpus, make_user

FOLDER = PROJECT / "deploy" / "load"
Task = Callable[[Any], None]


class Session:
    """What Locust's client does, on Django's test client."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.replies: list[Any] = []

    def post(self, path: str, json: Any = None, data: Any = None, files: Any = None) -> None:
        sent: dict[str, Any] = {"headers": self.headers}
        if json is not None:
            sent |= {"data": json, "content_type": "application/json"}
        else:
            sent |= {"data": data | {name: uploaded(*file) for name, file in files.items()}}
        self.replies.append(Client().post(path, **sent))


def uploaded(name: str, text: str) -> Any:
    return SimpleUploadedFile(name, text.encode())


@pytest.fixture
def locustfile(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The file's names, run with a Locust that only takes notes."""

    def task(weight: int) -> Callable[[Task], Task]:
        def mark(act: Task) -> Task:
            act.weight = weight  # type: ignore[attr-defined]
            return act

        return mark

    module = ModuleType("locust")
    module.__dict__.update(HttpUser=object, between=lambda low, high: (low, high), task=task)
    monkeypatch.setitem(sys.modules, "locust", module)
    return runpy.run_path(str(FOLDER / "locustfile.py"))


def reader(locustfile: dict[str, Any]) -> Any:
    made = locustfile["Reader"]()
    made.client = Session()
    made.on_start()
    return made


def test_three_questions_come_to_one_upload_with_pauses(locustfile: dict[str, Any]) -> None:
    made = locustfile["Reader"]
    assert (made.query.weight, made.upload.weight) == (3, 1)
    assert made.wait_time == (1, 3)


@pytest.mark.django_db
def test_the_question_for_ab_is_answered() -> None:
    make_corpus(slug=DEMO_CORPUS, is_public=True)
    body = (FOLDER / "query.json").read_bytes()
    reply = Client().post("/api/v1/query", body, content_type="application/json")
    assert reply.status_code == 200, reply.content
    assert "answer" in json.loads(reply.content)


@pytest.mark.django_db
def test_questions_need_no_key(locustfile: dict[str, Any]) -> None:
    make_corpus(slug=DEMO_CORPUS, is_public=True)
    asker = reader(locustfile)
    for _ in range(4):
        asker.query()
    asker.upload()  # without a key: nothing
    assert [reply.status_code for reply in asker.client.replies] == [200] * 4


@pytest.mark.django_db
def test_uploads_go_to_the_keys_corpus(locustfile: dict[str, Any]) -> None:
    corpus = make_corpus(slug="load")
    user = make_user(role=Membership.Role.EDITOR, tenant=corpus.tenant)
    _, locustfile["KEY"] = ApiKey.issue(user, "load", ["query", "ingest"])
    asker = reader(locustfile)
    # runpy's functions keep the names that they were made with.
    type(asker).upload.__globals__.update(KEY=locustfile["KEY"], CORPUS="load")
    asker.on_start()
    asker.upload()
    asker.upload()
    asker.query()
    assert [reply.status_code for reply in asker.client.replies] == [202, 202, 200]
    assert Document.objects.filter(corpus=corpus).count() == 2
