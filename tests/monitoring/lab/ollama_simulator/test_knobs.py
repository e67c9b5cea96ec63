"""Knobs hold for all models or for one, at the start or at run time; counts tell what came of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from monitoring.lab.ollama_simulator import Model, StandIn
from tests.monitoring.lab.ollama_simulator.conftest import Wire

TEXT = "the cat sat on the mat"


def test_an_answer_has_exactly_so_many_tokens_in_its_time(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=40, tokens_per_second=80, first_token_seconds=0.2, answers="echo")
    wire.generate(TEXT)
    started = time.monotonic()
    told = wire.generate(TEXT)
    assert 0.7 <= time.monotonic() - started < 5
    assert len(told.lines) == 41
    assert told.lines[-1]["eval_count"] == 40
    assert "".join(line["response"] for line in told.lines).startswith(TEXT + " the cat")
    assert told.lines[-1]["eval_duration"] >= 0.5e9
    assert told.lines[-1]["prompt_eval_duration"] == 0.2e9


def test_an_answer_is_trimmed_too(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=3, answers="echo")
    assert wire.generate(TEXT, stream=False).json["response"] == "the cat sat"


def test_what_is_said_a_third_time_is_counted(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=24, answers="echo")
    assert wire.generate(TEXT, stream=False).json["response"] == f"{TEXT} {TEXT} 3: {TEXT} 4: the cat sat on"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("knobs", "text", "reason"),
    [
        ({"done_reason": "length"}, TEXT, "length"),
        ({"done_reason": "load", "tokens": 2}, "the cat", "load"),
        ({"thinking_aloud": "<think>so</think> "}, f"<think>so</think> {TEXT}", "stop"),
        ({"answers": "refusing"}, "The passages do not answer this question.", "stop"),
    ],
)
def test_a_model_s_bad_habits(
    standin: StandIn, wire: Wire, knobs: dict[str, Any], text: str, reason: str, stream: bool
) -> None:
    standin.set(**{"answers": "echo", **knobs})
    told = wire.generate(TEXT, stream=stream).lines
    assert "".join(line["response"] for line in told) == text
    assert (told[-1]["done"], told[-1]["done_reason"]) == (True, reason)


def test_a_word_without_end_comes_up_to_the_limit(standin: StandIn, wire: Wire) -> None:
    standin.set(answers="repeating")
    told = wire.generate(TEXT, stream=False, options={"num_predict": 500}).json
    assert told["response"].endswith("the the the")
    assert (told["eval_count"], told["done_reason"]) == (500, "length")


def test_not_streamed_takes_the_same_time(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=20, tokens_per_second=50)
    started = time.monotonic()
    wire.generate(stream=False)
    assert time.monotonic() - started >= 0.4


def test_embedding_takes_its_time_by_request_and_by_text(standin: StandIn, wire: Wire) -> None:
    standin.set(embed_seconds=0.1, embed_seconds_per_input=0.05)
    started = time.monotonic()
    wire.embed(["a"] * 4)
    assert time.monotonic() - started >= 0.3


def test_a_model_s_own_knob_wins_until_the_next_for_all(standin: StandIn, wire: Wire) -> None:
    standin.set(answers="echo", tokens=1)
    standin.set(model="nano-llama", tokens=2)
    assert wire.generate(TEXT).lines[-1]["eval_count"] == 2
    standin.set(tokens=3)
    assert wire.generate(TEXT).lines[-1]["eval_count"] == 3


def test_knobs_are_set_at_the_start_too() -> None:
    with StandIn(["nano-llama"], script="hello there") as standin:
        assert Wire(standin).generate(stream=False).json["response"] == "hello there"


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"nope": 1}, "there is no knob 'nope'"),
        ({"tokens": "many"}, "knob 'tokens' takes a int"),
        ({"answers": "loud"}, "knob 'answers' is one of"),
    ],
)
def test_a_wrong_knob_is_an_error(standin: StandIn, knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        standin.set(**knobs)


def test_an_unknown_model_is_an_error_that_says_how_to_describe_one() -> None:
    with pytest.raises(ValueError, match="describe it as nope=DIMENSIONS@CONTEXT"):
        StandIn(["nope"])


def test_a_model_can_be_described(standin: StandIn, wire: Wire) -> None:
    standin.control({"add": ["mine=12@100", "talker=0@500"]})
    assert len(wire.post("/api/embed", {"model": "mine", "input": "a"}).json["embeddings"][0]) == 12
    assert wire.post("/api/chat", {"model": "talker", "messages": [{"role": "user", "content": "a"}]}).status == 200
    with StandIn([Model("other", 10, 5)]) as another:
        assert len(Wire(another).post("/api/embed", {"model": "other", "input": "a"}).json["embeddings"][0]) == 5


def test_control_and_state_over_http(wire: Wire) -> None:
    told = wire.post("/standin/control", {"set": {"tokens": 2}, "fail": [{"name": "busy", "times": 1}]})
    assert told.status == 200
    assert told.json["knobs"]["all"]["tokens"] == 2
    assert wire.embed().status == 503
    state = wire.get("/standin/state").json
    assert state["requests"]["embed"] == 1
    assert state["per_model"] == {"nano-bert:latest": {"embed": 1}}
    assert state["replies"]["503"] == 1
    (kept,) = wire.get("/standin/requests").json["requests"]
    assert kept["body"] == {"model": "nano-bert", "input": "the cat"}


@pytest.mark.parametrize(
    "wishes", [{"nope": 1}, {"set": {"nope": 1}}, {"fail": [{"name": "nope"}]}, [], {"stick": "nano-bert"}, {"set": 5}]
)
def test_a_wish_that_makes_no_sense_is_400(wire: Wire, wishes: Any) -> None:
    assert wire.post("/standin/control", wishes).status == 400


def test_faults_spare_the_control_paths(standin: StandIn, wire: Wire) -> None:
    standin.fail("hang")
    assert wire.get("/standin/state").status == 200


def test_counts_can_be_reset(standin: StandIn, wire: Wire) -> None:
    wire.generate()
    wire.embed()
    state = standin.state()
    assert (state["completed_generations"], state["embedded_texts"], state["max_generations"]) == (1, 1, 1)
    assert state["active_generations"] == state["active_embeds"] == state["cancelled"] == 0
    standin.control({"reset_counters": True})
    state = standin.state()
    assert (state["requests"], state["completed_generations"], state["tokens"], state["max_embeds"]) == ({}, 0, 0, 0)


def test_requests_are_kept_for_a_test_to_look_at(standin: StandIn, wire: Wire) -> None:
    wire.chat("hello", options={"num_ctx": 128})
    (asked,) = standin.requests("chat")
    assert asked["options"] == {"num_ctx": 128}
    assert standin.requests("embed") == []


def test_many_streams_keep_their_pace(standin: StandIn, wire: Wire) -> None:
    """The tick grows with the streams; the tokens still all come, and none is written late."""
    standin.set(num_parallel=50, tokens=50, tokens_per_second=100, max_writes_per_second=100)
    sockets = [wire.raw_post("/api/generate", {"model": "nano-llama", "prompt": TEXT}) for _ in range(20)]
    for own in sockets:
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            got += own.recv(65536)
        assert got.count(b'"done":false') == 50
        own.close()
    assert standin.state()["max_generations"] == 20


def test_a_client_that_does_not_read_gets_no_more_until_it_does(standin: StandIn, wire: Wire) -> None:
    standin.set(num_parallel=2, tokens=100_000)
    lazy = wire.raw_post("/api/generate", {"model": "nano-llama", "prompt": TEXT})
    assert lazy.recv(100)
    time.sleep(0.5)
    assert standin.state()["active_generations"] == 1, "the rest waits here, and not in a buffer"
    standin.set(tokens=5)
    assert wire.generate(TEXT).lines[-1]["done"] is True
    got = b""
    while not got.endswith(b"0\r\n\r\n"):
        got = got[-10:] + lazy.recv(2**20)
    lazy.close()
