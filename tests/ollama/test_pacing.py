"""Few streams are read as often as a reader wants; many share a bound, and each is still read along."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from ragsite.ollama import OllamaClient, transport
from ragsite.ollama.pacing import SLOWEST_FLUSH_SECONDS, WAKE_UPS_PER_SECOND, Pace
from tests.ollama.conftest import read_in_two
from tests.ollama.scripted import Request, ScriptedOllama, Step, answer_in_two


def test_a_few_streams_keep_their_pace(settings: Settings) -> None:
    settings.STREAM_FLUSH_SECONDS = 0.05
    pace = Pace()
    with ExitStack() as open_streams:
        for _ in range(int(0.05 * WAKE_UPS_PER_SECOND)):
            open_streams.enter_context(pace.joined())
            assert pace.flush_seconds() == 0.05


def test_many_streams_wake_the_process_no_more_often_than_that(settings: Settings) -> None:
    settings.STREAM_FLUSH_SECONDS = 0.05
    pace = Pace()
    with ExitStack() as open_streams:
        for _ in range(100):
            open_streams.enter_context(pace.joined())
        assert 100 / pace.flush_seconds() == pytest.approx(WAKE_UPS_PER_SECOND)
        for _ in range(900):
            open_streams.enter_context(pace.joined())
        assert pace.flush_seconds() == SLOWEST_FLUSH_SECONDS
    assert pace.flush_seconds() == 0.05


def test_a_stream_that_breaks_is_counted_out() -> None:
    pace = Pace()
    with pytest.raises(ZeroDivisionError), pace.joined():
        raise ZeroDivisionError
    assert pace.open == 0


def test_an_answer_among_many_is_read_in_larger_pieces(
    client: OllamaClient, server: ScriptedOllama, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STREAM_FLUSH_SECONDS = 0.0
    pace, counted, came = Pace(), [], threading.Event()
    monkeypatch.setattr(transport, "pace", pace)

    def play(request: Request) -> list[Step]:
        counted.append(pace.open)
        return answer_in_two(came, "a", "bcdefghij")

    server.plays["/api/chat"] = play
    with ExitStack() as open_streams:
        for _ in range(100):
            open_streams.enter_context(pace.joined())
        pieces = read_in_two(client, came)
    assert "".join(pieces) == "abcdefghij"
    assert pieces[0] == "a"
    assert len(pieces) <= 6
    assert counted == [101]  # it is one of them, while it lasts
    assert pace.open == 0
