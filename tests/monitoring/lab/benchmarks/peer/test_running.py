"""What the peer is given: its database on our server, and the settings of the server beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from monitoring.lab.benchmarks.peer import running
from monitoring.lab.benchmarks.peer.packages import PeerInterpreter
from monitoring.lab.benchmarks.peer.running import CONTEXT_TOKENS, TOP_K, PeerProcess, environment_for, sqlalchemy_url
from monitoring.lab.ollama_simulator.processes import StandInProcess
from tests.monitoring.lab.benchmarks.peer.interpreters import program


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("postgresql://postgres:@/postgres?host=/tmp/x", "postgresql+asyncpg://postgres@/rag_peer?host=%2Ftmp%2Fx"),
        (
            "postgresql://me:a%2Fb@db:5433/ragsite",
            "postgresql+asyncpg://me:a%2Fb@/rag_peer?host=db&port=5433",
        ),
    ],
)
def test_the_peer_finds_its_database_on_the_same_server(ours: str, theirs: str) -> None:
    assert sqlalchemy_url(ours) == theirs


def test_it_answers_from_as_many_passages_and_with_as_long_a_context_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (TOP_K, CONTEXT_TOKENS) == (settings.RETRIEVAL_TOP_K, settings.OLLAMA_NUM_CTX)
    monkeypatch.setenv("PYTHONPATH", "/ours")
    found = environment_for("postgresql://me@db/ragsite", "http://127.0.0.1:1")
    assert found["PEER_TOP_K"] == "5"
    assert found["PEER_OLLAMA_URL"] == "http://127.0.0.1:1"
    assert "PYTHONPATH" not in found


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["echo 'no model' >&2", "exit 1"], "could not store its passages:\nno model"),
        (['test "$2" = uvicorn || exit 0', "echo 'no port' >&2", "exit 1"], "did not start:\nno port"),
    ],
)
def test_a_peer_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], message: str
) -> None:
    monkeypatch.setattr(running, "make_database", lambda url: None)
    monkeypatch.setattr(running, "passages_of", lambda url: ["Depot 7 stands on the old quay."])
    interpreter = PeerInterpreter(program(tmp_path, *lines), {})
    with (
        pytest.raises(RuntimeError, match=message),
        PeerProcess(interpreter, tmp_path, "postgresql://me@db/ragsite", StandInProcess(port=1)),
    ):
        pytest.fail("it runs")
