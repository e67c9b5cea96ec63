"""Every fault does to a client what its name says, for whom and as often as was asked."""

from __future__ import annotations

import gzip
import json
import math
import time
from typing import Any

import numpy as np
import pytest
import requests

from monitoring.lab.ollama_simulator import StandIn
from monitoring.lab.ollama_simulator.faults import EVERY_FAULT, FaultBox
from tests.monitoring.lab.ollama_simulator.conftest import Wire, wait_until

SHORT_SECONDS = 0.3


def post(standin: StandIn, path: str = "/api/embed", **options: Any) -> requests.Response:
    """Send with `requests`, as the product's own client does."""
    body = {"model": "nano-bert" if "embed" in path else "nano-llama", "input": "a cat", "prompt": "a cat"}
    return requests.post(standin.url + path, json=body, timeout=options.pop("timeout", 10), **options)


def test_refuse_closes_the_door_and_the_control_port_stays() -> None:
    with StandIn(["nano-bert"], control_port=0) as standin:
        assert post(standin).status_code == 200
        standin.control({"refuse": True})
        with pytest.raises(requests.ConnectionError, match="refused"):
            post(standin)
        assert requests.get(f"http://127.0.0.1:{standin.control_port}/standin/state", timeout=5).status_code == 200
        standin.control({"refuse": False})
        wait_until(lambda: post(standin).status_code == 200)


def test_reset(standin: StandIn) -> None:
    standin.fail("reset")
    with pytest.raises(requests.ConnectionError, match="reset"):
        post(standin)


def test_hang_says_nothing_until_the_client_leaves(standin: StandIn) -> None:
    standin.fail("hang", operation="embed")
    with pytest.raises(requests.ReadTimeout):
        post(standin, timeout=SHORT_SECONDS)
    wait_until(lambda: standin.state()["cancelled"] == 1)
    assert requests.get(standin.url + "/api/tags", timeout=5).status_code == 200


def test_hang_for_a_time_is_only_slow(standin: StandIn) -> None:
    standin.fail("hang", seconds=SHORT_SECONDS)
    started = time.monotonic()
    assert post(standin).status_code == 200
    assert time.monotonic() - started >= SHORT_SECONDS


def test_slow_first_token(standin: StandIn) -> None:
    standin.fail("slow_first_token", seconds=SHORT_SECONDS)
    started = time.monotonic()
    assert post(standin, "/api/generate").status_code == 200
    assert time.monotonic() - started >= SHORT_SECONDS


def test_slow_tokens(standin: StandIn) -> None:
    standin.fail("slow_tokens", seconds=SHORT_SECONDS)
    standin.set(tokens=20)
    with post(standin, "/api/generate", stream=True) as reply:
        lines = reply.iter_lines()
        next(lines)
        started = time.monotonic()
        next(lines)
        assert time.monotonic() - started >= SHORT_SECONDS / 2


def test_cut_closes_in_the_middle(standin: StandIn) -> None:
    standin.fail("cut", after=2)
    standin.set(tokens=20)
    with post(standin, "/api/generate", stream=True) as reply:
        lines: list[bytes] = []
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            lines.extend(reply.iter_lines())
    assert reply.status_code == 200


def test_cut_before_a_reply_that_is_not_streamed(standin: StandIn, wire: Wire) -> None:
    standin.fail("cut")
    with pytest.raises(ConnectionError):
        wire.generate(stream=False)


def test_error_line_with_words_of_ones_own(standin: StandIn, wire: Wire) -> None:
    standin.fail("error_line", after=1, message="out of memory")
    first, last = wire.generate().lines
    assert (first["done"], last) == (False, {"error": "out of memory"})


def test_no_done_after_some_tokens(standin: StandIn, wire: Wire) -> None:
    standin.fail("no_done", after=3)
    standin.set(tokens=20)
    assert [line["done"] for line in wire.generate().lines] == [False] * 3


def vectors_under(standin: StandIn, fault: str, **limits: Any) -> list[list[float]]:
    standin.fail(fault, **limits)
    found: list[list[float]] = Wire(standin).embed(["the cat", "rain"]).json["embeddings"]
    return found


def test_broken_vectors(standin: StandIn) -> None:
    assert [len(each) for each in vectors_under(standin, "wrong_dimension", times=1)] == [33, 33]
    assert [len(each) for each in vectors_under(standin, "wrong_dimension", times=1, dimensions=7)] == [7, 7]
    assert len(vectors_under(standin, "too_few_vectors", times=1)) == 1
    assert not np.any(vectors_under(standin, "zero_vectors", times=1))
    assert math.isnan(vectors_under(standin, "nan_vectors", times=1)[0][0])


def test_nan_refused(standin: StandIn, wire: Wire) -> None:
    standin.fail("nan_refused", times=1)
    told = wire.embed()
    assert (told.status, told.error) == (400, "embedding contains NaN or Inf values")


@pytest.mark.parametrize(
    ("fault", "limits", "status", "error"),
    [
        ("error", {}, 500, "boom from runner"),
        ("error", {"status": 502, "message": "bad gateway"}, 502, "bad gateway"),
        ("busy", {}, 503, "server busy, please try again.  maximum pending requests exceeded"),
        ("missing", {}, 404, 'model "nano-bert" not found, try pulling it first'),
    ],
)
def test_error_replies(standin: StandIn, wire: Wire, fault: str, limits: Any, status: int, error: str) -> None:
    standin.fail(fault, **limits)
    told = wire.embed()
    assert (told.status, told.json) == (status, {"error": error})


def test_html_as_a_proxy_sends_it(standin: StandIn, wire: Wire) -> None:
    standin.fail("html", times=1)
    standin.fail("html", status=502, times=1)
    told = [wire.embed() for _ in range(2)]
    assert [each.status for each in told] == [200, 502]
    assert all(each.type == "text/html; charset=utf-8" and b"<html>" in each.body for each in told)


def test_gzip_bomb_is_small_on_the_wire(standin: StandIn, wire: Wire) -> None:
    standin.fail("gzip_bomb", bytes=64 * 2**20)
    told = wire.embed()
    assert told.headers["content-encoding"] == "gzip"
    assert len(told.body) < 2**20
    assert len(gzip.decompress(told.body)) == 64 * 2**20


def test_huge_line(standin: StandIn, wire: Wire) -> None:
    standin.fail("huge_line")
    told = wire.generate()
    assert told.body.count(b"\n") == 1
    assert len(told.body) > 10 * 2**20
    assert len(json.loads(told.body)["response"]) == 10 * 2**20


def test_slow_headers_never_end(standin: StandIn, wire: Wire) -> None:
    standin.fail("slow_headers", seconds=0.02)
    own = wire.raw_post("/api/embed", {"model": "nano-bert"})
    got = b""
    while len(got) < 40:
        got += own.recv(100)
    own.close()
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in got


def test_truncate_context_counts_half_of_the_window(standin: StandIn, wire: Wire) -> None:
    standin.fail("truncate_context")
    told = wire.chat("the cat " * 80, stream=False)
    assert (told.status, told.json["prompt_eval_count"]) == (200, 128)


def test_stick_leaves_a_model_stuck_at_once(standin: StandIn) -> None:
    post(standin, "/api/generate")
    standin.control({"stick": "nano-llama"})
    with pytest.raises(requests.ReadTimeout):
        post(standin, "/api/generate", timeout=SHORT_SECONDS)
    standin.control({"unload": "nano-llama"})
    assert post(standin, "/api/generate").status_code == 200


def test_a_fault_heals_after_its_times(standin: StandIn, wire: Wire) -> None:
    standin.fail("busy", times=2)
    assert [wire.embed().status for _ in range(4)] == [503, 503, 200, 200]
    assert standin.state()["faults"] == {"busy": 2}


def test_a_fault_is_for_one_model_only(standin: StandIn, wire: Wire) -> None:
    standin.fail("busy", model="nano-llama")
    assert (wire.embed().status, wire.generate().status) == (200, 503)


@pytest.mark.parametrize(("operation", "statuses"), [("generation", (200, 503)), ("embed", (503, 200))])
def test_a_fault_is_for_one_operation_only(standin: StandIn, wire: Wire, operation: str, statuses: Any) -> None:
    standin.fail("busy", operation=operation)
    assert (wire.embed().status, wire.generate().status) == statuses


def test_a_fault_befalls_with_its_probability() -> None:
    box = FaultBox()
    box.add("busy", probability=0.3)
    struck = sum(box.take(EVERY_FAULT, "embed", None) is not None for _ in range(2000))
    assert 500 < struck < 700


def test_heal_stops_all_faults_or_one_kind(standin: StandIn, wire: Wire) -> None:
    standin.fail("busy", operation="embed")
    standin.fail("crash", operation="generate")
    standin.heal("busy")
    assert (wire.embed().status, wire.generate().status) == (200, 500)
    standin.heal()
    assert wire.generate().status == 200


def test_an_unknown_fault_or_limit_is_an_error(standin: StandIn) -> None:
    with pytest.raises(ValueError, match="there is no fault 'nope'"):
        standin.fail("nope")
    with pytest.raises(ValueError, match="a fault has no color"):
        standin.fail("cut", color=1)
