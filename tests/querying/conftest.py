"""Fixtures: a stand-in for the model server, and questions without a database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from documents.access.policy import NOBODY
from documents.models import Corpus
from monitoring.lab.ollama_simulator.running import StandIn
from querying.passages import Retrieved
from querying.types import Question
from ragsite.deadline import Deadline
from tests.querying.made import made_retrieved

QUESTION = "How many days of paid leave do employees get?"


@pytest.fixture
def standin(settings: Settings) -> Iterator[StandIn]:
    """A stand-in that the settings name as the model server."""
    with StandIn(["llama3.2:1b", "nomic-embed-text"]) as server:
        settings.OLLAMA_BASE_URLS = [server.url]
        settings.LLM_MODEL = "llama3.2:1b"
        settings.STREAM_HEARTBEAT_SECONDS = 0.1
        yield server


@pytest.fixture
def asked() -> Question:
    """A question with ten seconds to answer it."""
    return Question(
        text=QUESTION,
        corpora=(Corpus(slug="handbook", language="en"),),
        principal=NOBODY,
        deadline=Deadline.after(10),
        use_cache=False,  # which is in the database
    )


@pytest.fixture
def retrieved() -> Retrieved:
    """Two passages, of which the first answers the question."""
    return made_retrieved()
