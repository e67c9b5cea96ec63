"""`benchmark streams`: what a round asks, and what is reported of a peer."""

from __future__ import annotations

import json
import math
from pathlib import Path

import psycopg
import pytest

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.conditions import PACE, Answering
from monitoring.lab.benchmarks.load.runner import Load, Loaded, Request
from monitoring.lab.benchmarks.measuring.process_usage import Usage, UsageMeter
from monitoring.lab.benchmarks.peer.beside import peers_beside
from monitoring.lab.benchmarks.peer.packages import PeerInterpreter
from monitoring.lab.benchmarks.reports.figures import Outcome
from monitoring.lab.benchmarks.scenarios import streams
from monitoring.lab.benchmarks.scenarios.streams import CLIENTS, Place, Round
from tests.monitoring.lab.benchmarks.peer.interpreters import running_the_fake

SERVICE = Answering("service", "gunicorn", "http://127.0.0.1:1", 1)
PEER = Answering("peer", "uvicorn", "http://127.0.0.1:2", 2, "/ask")


def loaded(clients: int, seconds: float, *, good: bool = True) -> Loaded:
    requests = [Request(at / 10, at / 10 + 0.1, at / 10 + seconds, 200, good, at) for at in range(100)]
    return Loaded(Load([], clients, seconds=20.0), tuple(requests), 0.1, 1, 0)


def round_of(server: Answering, seconds: float, *, good: bool = True) -> Round:
    direct = {clients: loaded(clients, 2.0) for clients in (1, *CLIENTS)}
    found = Round(server, direct=direct, burst=(direct[50], loaded(50, seconds)))
    for clients in (1, *CLIENTS):
        found.service[clients] = loaded(clients, seconds, good=good)
        found.meters[clients] = UsageMeter({})
        for process, cpu_seconds in ((server.program, 3.0), ("postgres", 0.5)):
            found.meters[clients].note(Usage(process, 1, cpu_seconds, 100_000_000, 200_000_000))
    return found


def outcome_of(*rounds: list[Round], notes: tuple[str, ...] = ()) -> Outcome:
    return streams._outcome(rounds, {"web workers": 2}, notes)


def test_a_peer_is_reported_with_the_same_figures_and_held_to_no_target() -> None:
    alone = outcome_of([round_of(SERVICE, 2.2)])
    both = outcome_of([round_of(SERVICE, 2.2)], [round_of(PEER, 4.0)], notes=("peer: Python 3.11.7",))
    assert both.figures[: len(alone.figures)] == alone.figures
    theirs = {figure.name: figure for figure in both.figures[len(alone.figures) :]}
    assert len(theirs) == len(alone.figures)
    assert all(name.startswith("peer: ") and figure.target is None for name, figure in theirs.items())
    assert theirs["peer: 50 questions at once: the slowest, against the model's own slowest"].value == pytest.approx(2)
    assert theirs["peer: first token p95, 50 questions at once"].value == pytest.approx(0.1)
    assert theirs["peer: CPU per answer, 50 clients: uvicorn"].value == pytest.approx(30)
    assert theirs["peer: CPU per answer, 50 clients: postgres"].value == pytest.approx(5)
    assert theirs["peer: private memory of the largest worker, 500 clients"].value == pytest.approx(100)
    assert both.notes == ("peer: Python 3.11.7",)


def test_a_peer_has_a_curve_and_percentiles_of_its_own() -> None:
    alone = outcome_of([round_of(SERVICE, 2.2)])
    both = outcome_of([round_of(SERVICE, 2.2)], [round_of(PEER, 4.0)])
    assert {series.name for series in both.series} == {"service", "peer", "model asked directly"}
    assert [series for series in both.series if series.name != "peer"] == list(alone.series)
    assert both.distributions["peer, 200 clients: whole answer s"]["p50"] == pytest.approx(4.0)
    assert not any("peer" in name for name in (*alone.distributions, *(figure.name for figure in alone.figures)))


def test_failures_of_a_peer_are_told_apart_from_ours() -> None:
    found = outcome_of([round_of(SERVICE, 2.2, good=False)], [round_of(PEER, 4.0, good=False)])
    told = [note for note in found.notes if "500 clients" in note]
    assert told[0].startswith("failures, 500 clients: 100 with status 200")
    assert told[1].startswith("failures, 500 clients (peer): 100 with status 200")


def test_a_peer_that_has_died_spoils_no_report_of_ours() -> None:
    dead = round_of(PEER, 4.0, good=False)
    dead.meters[500] = UsageMeter({})
    found = {figure.name: figure.value for figure in outcome_of([round_of(SERVICE, 2.2)], [dead]).figures}
    assert math.isnan(found["peer: private memory of the largest worker, 500 clients"])
    assert found["peer: failures, all clients"] == 400
    assert found["private memory of the largest worker, 500 clients"] == pytest.approx(100)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_peer_is_asked_in_the_same_round_and_metered_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CLIENTS", (50,))
    peer = PeerInterpreter(running_the_fake(tmp_path), {"Python": "3.11.7"})
    with (
        Bench(quick=True, rounds=1, peer=peer) as bench,
        bench.stage.standin(**PACE) as standin,
        bench.stage.serving(standin, **streams.SERVER_SETTINGS) as (server, _),
    ):
        place = Place(bench, server, standin)
        with peers_beside(bench, standin, place.questions) as peers:
            place.servers += peers
            ours, theirs = streams._round(place, 1)
        with psycopg.connect(bench.stage.environment["DATABASE_URL"]) as connection:
            rows = connection.execute("SELECT text FROM documents_chunk").fetchall()
            databases = connection.execute("SELECT datname FROM pg_database WHERE datname = 'rag_peer'").fetchall()
    told = json.loads((tmp_path / "told.json").read_text())
    assert sorted(told["passages"]) == sorted(text for (text,) in rows)
    assert told["environment"]["PEER_OLLAMA_URL"] == standin.url
    assert len(databases) == 1
    for found in (ours, theirs):
        assert [found.service[clients].failures for clients in (1, 50)] == [0, 0]
        assert len(found.service[1].requests) == 5
        assert found.service[50].load.clients == 50
    assert theirs.direct is ours.direct
    assert theirs.burst is not None
    assert ours.burst is not None
    assert theirs.burst[0] is ours.burst[0]
    assert len(theirs.burst[1].good) == 50
    assert theirs.meters[50].private_bytes("uvicorn")
    assert not theirs.meters[50].private_bytes("gunicorn")
    assert ours.meters[50].private_bytes("gunicorn")
    # The second round begins with the peer.
    assert list(bench.usages) == ["50 streaming clients, peer", "50 streaming clients"]
