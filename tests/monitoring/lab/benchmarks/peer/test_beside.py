"""The peer's streams are read by the load generator as ours are."""

from __future__ import annotations

import pytest

from monitoring.lab.benchmarks.conditions import FIRST_TOKEN, STREAMED, Answering, asked, fresh_questions
from monitoring.lab.benchmarks.load.runner import Load, run_load
from monitoring.lab.benchmarks.peer.beside import NoAnswers, warm_up
from monitoring.lab.benchmarks.peer.events import done_event, token_event
from tests.monitoring.lab.benchmarks.load.test_generator import serving, streamed

TOKENS = (token_event("Depot").encode(), token_event(" 7").encode())
DONE = done_event(["1"]).encode()


def test_a_complete_stream_is_a_good_answer_and_its_first_token_is_seen() -> None:
    with serving(streamed(b": wait\n\n", *TOKENS, DONE, pause=0.02)) as server:
        requests = [asked("Where?", path="/ask", stream=True)]
        loaded = run_load(server.url, Load(requests, count=1, good=STREAMED, first_token=FIRST_TOKEN))
    (found,) = loaded.good
    assert found.first_token is not None
    assert found.started < found.first_token < found.ended
    assert server.requests[0][0] == "/ask"
    assert b'"query": "Where?"' in server.requests[0][1]


def test_a_peer_that_answers_is_warmed_with_questions_that_differ() -> None:
    with serving(streamed(*TOKENS, DONE)) as server:
        warm_up(Answering("peer", "uvicorn", server.url, 1, "/ask"), fresh_questions(), 12)
    assert len({body for _, body in server.requests}) == 12


def test_a_peer_whose_streams_break_off_is_not_measured() -> None:
    with serving(streamed(*TOKENS)) as server, pytest.raises(NoAnswers, match="12 of 12 questions"):
        warm_up(Answering("peer", "uvicorn", server.url, 1, "/ask"), fresh_questions(), 12)
