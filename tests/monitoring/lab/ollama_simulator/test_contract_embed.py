"""The Ollama contract, points 14 to 31: embeddings, loads, queues."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from monitoring.lab.ollama_simulator import StandIn
from tests.monitoring.lab.ollama_simulator.conftest import Answer, Wire, wait_until

LONG = "cat " * 200
BUSY = "server busy, please try again.  maximum pending requests exceeded"


def vectors_of(told: Answer) -> Any:
    return np.array(told.json["embeddings"])


def test_14_a_text_gives_one_unit_vector_and_its_costs(wire: Wire) -> None:
    told = wire.embed("the cat")
    assert told.status == 200
    assert vectors_of(told).shape == (1, 32)
    assert np.linalg.norm(vectors_of(told)[0]) == pytest.approx(1, abs=1e-6)
    assert list(told.json) == ["model", "embeddings", "total_duration", "load_duration", "prompt_eval_count"]
    assert told.json["total_duration"] >= told.json["load_duration"] > 0
    assert told.json["prompt_eval_count"] == 4


def test_15_again_it_is_the_same_vector_without_a_load(wire: Wire) -> None:
    cold, warm = wire.embed("the cat"), wire.embed("the cat")
    assert cold.json["embeddings"] == warm.json["embeddings"]
    assert warm.json["load_duration"] < cold.json["load_duration"] / 5


def test_16_a_list_gives_vectors_in_its_order(wire: Wire) -> None:
    texts = ["the cat", "a stock market crash", "rain"]
    together = vectors_of(wire.embed(texts))
    alone = [vectors_of(wire.embed(text))[0] for text in texts]
    assert together == pytest.approx(np.array(alone), abs=1e-7)


@pytest.mark.parametrize("body", [{"input": ""}, {"input": []}, {"input": None}, {}, {"prompt": "the cat"}])
def test_17_nothing_to_embed_gives_no_vectors_and_no_durations(wire: Wire, body: dict[str, Any]) -> None:
    told = wire.post("/api/embed", {"model": "nano-bert", **body})
    assert (told.status, told.text) == (200, '{"model":"nano-bert","embeddings":[]}')
    assert wire.get("/api/ps").json["models"], "it is loaded all the same"


def test_18_an_empty_text_in_a_list_has_a_vector(wire: Wire) -> None:
    found = vectors_of(wire.embed(["a", ""]))
    assert found.shape == (2, 32)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(2), abs=1e-6)


@pytest.mark.parametrize("given", [5, True, ["a", 5], [["a"]], {}, [[1, 2]]])
def test_19_other_types_are_refused_before_the_model_is_looked_up(wire: Wire, given: Any) -> None:
    told = wire.post("/api/embed", {"model": "nope", "input": given})
    assert (told.status, told.error) == (400, "invalid input type")


def test_20_dimensions_cut_and_normalise(wire: Wire) -> None:
    full, short = vectors_of(wire.embed())[0], vectors_of(wire.embed(dimensions=8))[0]
    assert short.shape == (8,)
    assert short == pytest.approx(full[:8] / np.linalg.norm(full[:8]), abs=1e-6)


@pytest.mark.parametrize("dimensions", [9999, 32, 0, -1])
def test_20_senseless_dimensions_are_ignored(wire: Wire, dimensions: int) -> None:
    assert vectors_of(wire.embed(dimensions=dimensions)).shape == (1, 32)


def test_21_a_long_text_is_cut_without_a_word(wire: Wire) -> None:
    told = wire.embed(LONG)
    assert (told.status, told.json["prompt_eval_count"]) == (200, 64)
    assert told.json["embeddings"] == wire.embed("cat " * 62).json["embeddings"]


@pytest.mark.parametrize("given", [LONG, ["short", LONG]])
def test_21_unless_it_must_not_be_cut(wire: Wire, given: Any) -> None:
    told = wire.embed(given, truncate=False)
    assert (told.status, told.error) == (400, "the input length exceeds the context length")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("abc", 'time: invalid duration "abc"'),
        ("5", 'time: missing unit in duration "5"'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        (True, "Unsupported type: 'bool'"),
    ],
)
def test_22_a_wrong_keep_alive_is_refused(wire: Wire, value: Any, error: str) -> None:
    told = wire.embed(keep_alive=value)
    assert (told.status, told.error) == (400, error)


@pytest.mark.parametrize("value", [-1, "-1m"])
def test_22_a_negative_keep_alive_is_for_ever(wire: Wire, value: Any) -> None:
    wire.embed(keep_alive=value)
    assert datetime.fromisoformat(wire.get("/api/ps").json["models"][0]["expires_at"]).year > 2300


@pytest.mark.parametrize("value", [0, "0", 0.05, "50ms"])
def test_22_a_short_keep_alive_unloads(wire: Wire, value: Any) -> None:
    wire.embed(keep_alive=value)
    wait_until(lambda: wire.get("/api/ps").json["models"] == [])


def test_22_a_keep_alive_stays_for_those_who_leave_it_out(wire: Wire) -> None:
    wire.embed(keep_alive="1h30m")
    wire.embed()
    expires = datetime.fromisoformat(wire.get("/api/ps").json["models"][0]["expires_at"])
    assert 5300 < expires.timestamp() - time.time() < 5401


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"num_ctx": "x"}, 'option "num_ctx" must be of type integer'),
        ({"temperature": "x"}, 'option "temperature" must be of type float32'),
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "x"}, 'option "stop" must be of type array'),
        ({"stop": [1]}, 'option "stop" must be of an array of strings'),
    ],
)
def test_23_an_option_of_the_wrong_type_is_500(wire: Wire, options: dict[str, Any], error: str) -> None:
    told = wire.embed(options=options)
    assert (told.status, told.error) == (500, error)


def test_23_unknown_options_are_ignored(wire: Wire) -> None:
    assert wire.embed(options={"zzz": 1, "num_ctx": 32.7}).status == 200


@pytest.mark.parametrize(("path", "status"), [("/api/embed", 501), ("/api/embeddings", 500)])
def test_24_a_generation_model_does_not_embed(wire: Wire, path: str, status: int) -> None:
    told = wire.post(path, {"model": "nano-llama", "input": "a", "prompt": "a"})
    assert told.status == status
    assert told.text == '{"error":"This server does not support embeddings. Start it with `--embeddings`"}'


def test_25_the_old_path_gives_one_bare_vector(wire: Wire) -> None:
    told = wire.post("/api/embeddings", {"model": "nano-bert", "prompt": "the cat"})
    assert list(told.json) == ["embedding"]
    assert told.json["embedding"] == wire.embed("the cat").json["embeddings"][0]
    for nothing in ({"prompt": ""}, {}, {"input": "the cat"}):
        assert wire.post("/api/embeddings", {"model": "nano-bert", **nothing}).text == '{"embedding":[]}'


def test_25_the_old_path_refuses_long_texts_with_500(wire: Wire) -> None:
    told = wire.post("/api/embeddings", {"model": "nano-bert", "prompt": LONG})
    assert (told.status, told.error) == (500, "the input length exceeds the context length")


@pytest.mark.parametrize(("path", "status"), [("/api/embed", 400), ("/api/embeddings", 500)])
def test_26_a_runner_that_dies_leaves_a_cold_model(standin: StandIn, wire: Wire, path: str, status: int) -> None:
    wire.embed()
    standin.fail("crash", times=1)
    told = wire.post(path, {"model": "nano-bert", "input": "a", "prompt": "a"})
    assert told.status == status
    assert told.error.startswith('do embedding request: Post "http://127.0.0.1:')
    assert told.error.endswith('/v1/embeddings": EOF')
    assert wire.embed().json["load_duration"] > 20_000_000


def test_27_a_runner_that_answers_500(standin: StandIn, wire: Wire) -> None:
    standin.fail("error", operation="embed", message="boom from runner", times=1)
    told = wire.embed()
    assert (told.status, told.error) == (500, "boom from runner")
    assert wire.embed().status == 200


@pytest.mark.parametrize("path", ["/api/embed", "/api/generate"])
def test_28_a_load_that_fails(standin: StandIn, wire: Wire, path: str) -> None:
    standin.fail("fail_load", times=1)
    body = {"model": "nano-bert" if path == "/api/embed" else "nano-llama", "input": "a", "prompt": "a"}
    told = wire.post(path, body)
    assert told.status == 500
    assert told.error.startswith("llama-server process has terminated: exit status 1: ")
    assert wire.post(path, body).status == 200


def test_29_callers_of_a_cold_model_share_one_load(standin: StandIn, wire: Wire) -> None:
    standin.set(load_seconds=0.8)
    with ThreadPoolExecutor(4) as callers:
        waiting = [callers.submit(wire.embed) for _ in range(4)]
        wait_until(lambda: standin.state()["loading_or_waiting_for_load"] == 4)
        assert wire.get("/api/ps").json == {"models": []}
        assert wire.get("/api/tags").status == 200
        assert not any(each.done() for each in waiting), "the small paths did not wait for the load"
        loads = [each.result().json["load_duration"] for each in waiting]
    assert all(0.6e9 < each < 5e9 for each in loads)
    assert standin.state()["loads"] == {"nano-bert:latest": 1}


def test_30_too_many_waiters_for_a_cold_model_are_sent_away(standin: StandIn, wire: Wire) -> None:
    standin.set(load_seconds=0.8, max_queue=2)
    with ThreadPoolExecutor(8) as callers:
        told = list(callers.map(lambda _: wire.embed(), range(8)))
    assert sorted(each.status for each in told) == [200] * 3 + [503] * 5
    assert {each.error for each in told if each.status == 503} == {BUSY}
    assert all("retry-after" not in each.headers for each in told)


def test_30_a_warm_model_never_sends_anybody_away(standin: StandIn, wire: Wire) -> None:
    wire.embed()
    standin.set(max_queue=2, embed_seconds=0.02)
    with ThreadPoolExecutor(20) as callers:
        assert {each.status for each in callers.map(lambda _: wire.embed(), range(20))} == {200}


def test_31_embeds_of_one_model_run_one_at_a_time(standin: StandIn, wire: Wire) -> None:
    wire.embed()
    standin.set(embed_seconds=0.1)
    started = time.monotonic()
    with ThreadPoolExecutor(5) as callers:
        list(callers.map(lambda _: wire.embed(), range(5)))
    assert time.monotonic() - started >= 0.5
    assert standin.state()["max_embeds"] == 1


def test_another_context_length_reloads_and_leaving_it_out_does_not(standin: StandIn, wire: Wire) -> None:
    for options in ({"num_ctx": 32}, {"num_ctx": 64}, {"num_ctx": 32}):
        wire.embed(options=options)
    assert standin.state()["loads"]["nano-bert:latest"] == 3
    assert wire.get("/api/ps").json["models"][0]["context_length"] == 32
    for _ in range(3):
        wire.embed()
    assert standin.state()["loads"]["nano-bert:latest"] == 4


def test_two_models_in_the_room_for_one_evict_each_other(standin: StandIn, wire: Wire) -> None:
    standin.set(max_loaded=1)
    for _ in range(2):
        wire.embed()
        wire.generate()
    assert standin.state()["loads"] == {"nano-bert:latest": 2, "nano-llama:latest": 2}
