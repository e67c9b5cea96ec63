"""The Ollama contract, points 32 to 44: answers, their ends good and bad, clients that leave."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from monitoring.lab.ollama_simulator import Model, StandIn
from tests.monitoring.lab.ollama_simulator.conftest import Wire, wait_until

CRASHED = "an error was encountered while running the model: unexpected EOF"
COUNTERS = {
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
}
LONG = "the cat " * 1600


@pytest.fixture(autouse=True)
def echoing(standin: StandIn) -> None:
    """The answer is the prompt, so that a test knows it."""
    standin.set(answers="echo")


def test_32_a_generation_is_lines_of_json(wire: Wire) -> None:
    told = wire.generate("the cat sat")
    assert (told.status, told.type, told.is_chunked) == (200, "application/x-ndjson", True)
    assert told.body.endswith(b"\n")
    *middle, last = told.lines
    assert [line["response"] for line in middle] == ["the", " cat", " sat"]
    assert all(set(line) == {"model", "created_at", "response", "done"} and line["done"] is False for line in middle)
    assert (last["done"], last["done_reason"], last["response"]) == (True, "stop", "")
    assert set(last) >= COUNTERS
    assert last["eval_count"] == 3
    for line in told.lines:
        age_seconds = datetime.now(UTC) - datetime.fromisoformat(line["created_at"])
        assert abs(age_seconds.total_seconds()) < 20
    assert len(last["context"]) == last["prompt_eval_count"] + last["eval_count"]


def test_33_not_streamed_it_is_one_object(wire: Wire) -> None:
    told = wire.generate("the cat sat", stream=False)
    assert (told.status, told.type) == (200, "application/json; charset=utf-8")
    assert told.json["response"] == "the cat sat"
    assert told.json["done"] is True
    assert set(told.json) >= COUNTERS
    assert "context" not in wire.generate(stream=False, raw=True).json


def test_34_chat_has_messages_and_no_context(wire: Wire) -> None:
    *middle, last = wire.chat("the cat sat").lines
    whole = wire.chat("the cat sat", stream=False).json
    assert "".join(line["message"]["content"] for line in middle) == whole["message"]["content"] == "the cat sat"
    for line in (*middle, last, whole):
        assert line["message"]["role"] == "assistant"
        assert not {"response", "context"} & set(line)
    assert last["message"]["content"] == ""
    assert set(last) >= COUNTERS
    assert set(whole) >= COUNTERS


def test_35_without_a_prompt_it_loads(wire: Wire) -> None:
    told = wire.post("/api/generate", {"model": "nano-llama"})
    assert told.type == "application/json; charset=utf-8"
    assert set(told.json) == {"model", "created_at", "response", "done", "done_reason"}
    assert (told.json["done"], told.json["done_reason"], told.json["response"]) == (True, "load", "")
    assert [model["name"] for model in wire.get("/api/ps").json["models"]] == ["nano-llama:latest"]


def test_35_without_a_prompt_and_keep_alive_0_it_unloads(wire: Wire) -> None:
    wire.generate()
    told = wire.post("/api/generate", {"model": "nano-llama", "keep_alive": 0})
    assert (told.type, told.json["done_reason"]) == ("application/json; charset=utf-8", "unload")
    assert wire.get("/api/ps").json["models"] == []


def test_35_chat_likewise(wire: Wire) -> None:
    loaded = wire.post("/api/chat", {"model": "nano-llama", "messages": []}).json
    assert (loaded["done_reason"], loaded["message"]) == ("load", {"role": "assistant", "content": ""})
    assert wire.post("/api/chat", {"model": "nano-llama", "keep_alive": 0}).json["done_reason"] == "unload"


def test_35_an_unload_lets_a_running_answer_finish(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=10, tokens_per_second=20)
    with ThreadPoolExecutor(1) as caller:
        running = caller.submit(wire.generate)
        wait_until(lambda: standin.state()["active_generations"] == 1)
        wire.post("/api/generate", {"model": "nano-llama", "keep_alive": 0})
        assert wire.get("/api/ps").json["models"], "it stays until then"
        assert running.result().lines[-1]["done"] is True
    assert wire.get("/api/ps").json["models"] == []


def test_36_num_predict_cuts_the_answer(wire: Wire) -> None:
    last = wire.generate(options={"num_predict": 2}).lines[-1]
    assert (last["done_reason"], last["eval_count"]) == ("length", 2)


def test_36_stop_ends_the_answer_before_it(wire: Wire) -> None:
    told = wire.generate("one two three", stream=False, options={"stop": ["three"]}).json
    assert (told["response"], told["done_reason"]) == ("one two ", "stop")


@pytest.mark.parametrize("streams", [True, False])
def test_37_another_format_is_500(wire: Wire, streams: bool) -> None:
    told = wire.generate(format="xml", stream=streams)
    assert told.status == 500
    assert told.error == 'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object'
    if streams:
        assert (told.type, told.is_chunked) == ("application/json", True)


def test_37_a_schema_is_fitted(wire: Wire) -> None:
    schema = {
        "type": "object",
        "properties": {
            "answer": {"type": "string"},
            "count": {"type": "integer"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
            "of": {"$ref": "#/$defs/of"},
        },
        "$defs": {"of": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}},
    }
    found = json.loads(wire.chat("the cat", stream=False, format=schema).json["message"]["content"])
    assert found == {"answer": "the cat", "count": 1, "tags": ["a"], "of": True}
    assert json.loads(wire.generate("the cat", stream=False, format="json").json["response"]) == {"answer": "the cat"}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"raw": True, "system": "s"}, "raw mode does not support template, system, or context"),
        ({"raw": True, "context": [1]}, "raw mode does not support template, system, or context"),
        ({"suffix": "b"}, "registry.ollama.ai/library/nano-llama:latest does not support insert"),
        ({"think": True}, '"nano-llama" does not support thinking'),
    ],
)
def test_38_what_a_plain_model_can_not(wire: Wire, fields: dict[str, Any], error: str) -> None:
    told = wire.generate(**fields)
    assert (told.status, told.type, told.error) == (400, "application/json; charset=utf-8", error)


def test_38_tools_on_a_plain_model(wire: Wire) -> None:
    told = wire.chat(tools=[{"type": "function", "function": {"name": "f"}}])
    assert (told.status, told.error) == (400, "registry.ollama.ai/library/nano-llama:latest does not support tools")
    assert wire.chat(think=False).status == 200


@pytest.mark.parametrize("operation", ["generate", "chat"])
def test_39_an_embedding_model_does_not_generate(wire: Wire, operation: str) -> None:
    body = {"model": "nano-bert", "prompt": "a", "messages": [{"role": "user", "content": "a"}]}
    told = wire.post(f"/api/{operation}", body)
    assert (told.status, told.error) == (400, f'"nano-bert" does not support {operation}')


def test_40_a_message_that_is_too_long_is_refused_with_json_in_a_string(wire: Wire) -> None:
    told = wire.chat(LONG, stream=False)
    assert told.status == 400
    inner = json.loads(told.error)["error"]
    assert (inner["code"], inner["type"], inner["n_ctx"]) == (400, "exceed_context_size_error", 256)
    count = inner["n_prompt_tokens"]
    shown = f"request ({count} tokens) exceeds the available context size (256 tokens), try increasing it"
    assert inner["message"] == shown


def test_40_old_messages_are_dropped_first_and_the_system_s_stay(wire: Wire) -> None:
    old = [{"role": "user", "content": "cat " * 150}, {"role": "assistant", "content": "cat " * 150}]
    ask = {"role": "user", "content": "the cat"}
    body: dict[str, Any] = {"model": "nano-llama", "messages": [*old, ask], "stream": False}
    assert wire.post("/api/chat", body).json["prompt_eval_count"] < 200
    system = {"role": "system", "content": "cat " * 300}
    assert wire.post("/api/chat", {**body, "messages": [system, ask]}).status == 400


def test_40_a_prompt_that_is_too_long_loses_half_of_the_window(wire: Wire) -> None:
    told = wire.generate(LONG, stream=False, options={"num_predict": 2})
    assert (told.status, told.json["prompt_eval_count"]) == (200, 131)
    assert "exceed_context_size_error" in wire.generate(LONG, truncate=False).error
    assert wire.generate(LONG, shift=False).error.startswith("the prompt is longer than the context length currently")


@pytest.mark.parametrize("fault", ["crash", "error_line"])
def test_41_a_runner_that_dies_after_two_tokens(standin: StandIn, wire: Wire, fault: str) -> None:
    standin.fail(fault, after=2)
    told = wire.generate()
    assert (told.status, told.type) == (200, "application/x-ndjson")
    *tokens, last = told.lines
    assert [line["done"] for line in tokens] == [False, False]
    assert last == {"error": CRASHED}
    whole = wire.generate(stream=False)
    assert (whole.status, whole.json) == (500, {"error": CRASHED})


def test_42_a_failure_before_the_first_token_has_its_real_status(standin: StandIn, wire: Wire) -> None:
    standin.fail("crash", times=1)
    told = wire.generate()
    assert (told.status, told.type, told.is_chunked) == (500, "application/json", True)
    assert told.error.startswith("model runner has unexpectedly stopped, this may be due to resource limitations")
    assert wire.get("/api/ps").json["models"] == []
    assert wire.generate().lines[-1]["done"] is True


def test_43_a_stream_may_end_without_done(standin: StandIn, wire: Wire) -> None:
    standin.fail("no_done")
    told = wire.generate("the cat sat")
    assert [line["done"] for line in told.lines] == [False, False, False]
    whole = wire.generate("the cat sat", stream=False)
    assert (whole.status, whole.json["done"]) == (200, False)
    assert not COUNTERS & set(whole.json)


def leave_in_mid_stream(standin: StandIn, wire: Wire) -> None:
    own = wire.raw_post("/api/generate", {"model": "nano-llama", "prompt": "the cat"})
    assert b"200 OK" in own.recv(4096)
    own.close()
    wait_until(lambda: standin.state()["active_generations"] == 0)


def test_44_a_client_that_leaves_in_mid_stream_is_noticed(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=1000, tokens_per_second=50)
    leave_in_mid_stream(standin, wire)
    state = standin.state()
    assert state["cancelled"] == 1
    assert state["tokens"] < 100
    standin.set(tokens=2)
    assert wire.generate().lines[-1]["done"] is True


def test_44_a_client_that_leaves_in_mid_embed_is_noticed(standin: StandIn, wire: Wire) -> None:
    wire.embed()
    standin.set(embed_seconds=30)
    own = wire.raw_post("/api/embed", {"model": "nano-bert", "input": "a"})
    wait_until(lambda: standin.state()["active_embeds"] == 1)
    own.shutdown(socket.SHUT_RDWR)
    own.close()
    wait_until(lambda: standin.state()["active_embeds"] == 0)
    standin.set(embed_seconds=0)
    assert wire.embed().status == 200
    assert standin.state()["cancelled"] == 1


def test_44_a_client_that_leaves_during_a_load_aborts_it(standin: StandIn, wire: Wire) -> None:
    standin.set(load_seconds=30)
    own = wire.raw_post("/api/embed", {"model": "nano-bert", "input": "a"})
    wait_until(lambda: standin.state()["loading_or_waiting_for_load"] == 1)
    own.close()
    wait_until(lambda: standin.state()["loading_or_waiting_for_load"] == 0)
    standin.set(load_seconds=0.01)
    assert wire.embed().status == 200


def test_44_a_hang_up_can_leave_the_model_stuck_until_an_unload(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=1000, tokens_per_second=50)
    standin.fail("wedge", times=1)
    leave_in_mid_stream(standin, wire)
    standin.set(tokens=2)
    with ThreadPoolExecutor(1) as caller:
        later = caller.submit(wire.generate)
        wait_until(lambda: standin.state()["waiting_for_slot"] == 1)
        time.sleep(0.1)
        assert not later.done()
        assert wire.embed().status == 200, "other models go on"
        wire.post("/api/generate", {"model": "nano-llama", "keep_alive": 0})
        assert later.result(timeout=5).lines[-1]["done"] is True


def test_generations_run_num_parallel_at_a_time(standin: StandIn, wire: Wire) -> None:
    wire.generate()
    standin.set(tokens=4, tokens_per_second=20, num_parallel=2)
    with ThreadPoolExecutor(6) as callers:
        list(callers.map(lambda _: wire.generate(), range(6)))
    assert standin.state()["max_generations"] == 2


def test_a_thinking_model_thinks_apart_from_its_answer() -> None:
    thinker = Model("thinker", 4096, capabilities=("completion", "thinking"))
    with StandIn([thinker], thinking="hm, cats", script=["a cat"]) as standin:
        wire = Wire(standin)
        ask: dict[str, Any] = {"model": "thinker", "messages": [{"role": "user", "content": "a"}], "stream": False}
        assert wire.post("/api/chat", ask).json["message"] == {
            "role": "assistant",
            "content": "a cat",
            "thinking": "hm, cats",
        }
        assert "thinking" not in wire.post("/api/chat", {**ask, "think": False}).json["message"]
