"""Streamed answers: what is a complete one, what comes meanwhile, and what happens when the reader leaves."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pytest_django import Settings

from ragsite.deadline import Deadline
from ragsite.errors import BrokenReply, OllamaTimeout, OllamaUnavailable
from ragsite.ollama import OllamaClient
from ragsite.ollama.values import Finished, Tick, Token

from .conftest import ask, next_of, read, read_in_two
from .scripted import (
    HANG,
    STREAM_END,
    STREAM_HEAD,
    ScriptedOllama,
    Step,
    always,
    answer,
    answer_in_two,
    chunk,
    done,
    line,
    reply,
    token,
    wait_until,
)


def test_an_answer_comes_in_pieces_and_ends_with_what_it_cost(client: OllamaClient, server: ScriptedOllama) -> None:
    text, finished = read(client)
    assert text == "All is well."
    assert (finished.prompt_tokens, finished.answer_tokens, finished.done_reason) == (9, 3, "stop")
    assert finished.host == server.url
    assert finished.model == "m"
    assert 0 <= finished.first_token_ms <= finished.total_ms
    assert not finished.context_truncated


def test_the_request_is_streamed_and_its_load_time_options_never_change(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.OLLAMA_KEEP_ALIVE, settings.OLLAMA_GPU = "-1", False
    messages = [{"role": "user", "content": "a lone surrogate \ud800 and đ"}]
    options = {"temperature": 0.3, "num_ctx": 99, "num_thread": 7}
    list(client.generate("m", messages, options=options, deadline=Deadline.after(5)))
    sent = server.requests[0].json
    assert sent["stream"] is True
    assert sent["messages"] == messages
    assert sent["options"] == {"temperature": 0.3, "num_ctx": settings.OLLAMA_NUM_CTX, "num_gpu": 0}
    assert sent["keep_alive"] == -1  # "-1" as text is refused: missing unit in duration
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert "origin" not in server.requests[0].headers


def test_nothing_is_asked_before_the_first_item_is_wanted(client: OllamaClient, server: ScriptedOllama) -> None:
    answer_that_nobody_reads = ask(client)
    time.sleep(0.05)
    assert server.connections == 0
    answer_that_nobody_reads.close()


def test_ticks_come_while_the_model_thinks_also_before_the_head_of_the_reply(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 5.0
    server.plays["/api/chat"] = lambda request: [1.0, *answer("now")]
    items = list(ask(client))
    assert [type(item) for item in items[:3]] == [Tick, Tick, Tick]
    assert [type(item) for item in items[-2:]] == [Token, Finished]


@pytest.mark.parametrize(
    "useless",
    [
        [STREAM_HEAD, *(b"1\r\n \r\n", 0.02) * 30],  # blanks that make no line
        [STREAM_HEAD, *(line({"message": {"role": "assistant", "thinking": "hm", "content": ""}}), 0.02) * 30],
    ],
)
def test_ticks_come_also_while_what_comes_is_not_for_the_reader(
    useless: list[Step], client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.OLLAMA_FIRST_TOKEN_TIMEOUT_SECONDS = 5.0
    server.plays["/api/chat"] = lambda request: [*useless, *answer("now")[1:]]
    items = list(ask(client))
    assert items.count(Tick()) >= 3
    assert [type(item) for item in items[-2:]] == [Token, Finished]


def test_tokens_that_came_together_go_out_together(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [
        STREAM_HEAD + token("a") + token("b") + token("c"),
        0.1,
        done(),
        STREAM_END,
    ]
    assert [item.text for item in ask(client) if isinstance(item, Token)] == ["abc"]


def test_the_first_word_is_not_kept_until_others_have_come(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.STREAM_FLUSH_SECONDS = 60.0
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    started = time.monotonic()
    stream = ask(client, seconds=100.0)
    assert next_of(stream) == Token("a")
    assert time.monotonic() - started < 30
    stream.close()


def test_what_comes_within_the_flush_time_is_read_at_once(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.STREAM_FLUSH_SECONDS = 0.2
    came = threading.Event()
    server.plays["/api/chat"] = lambda request: answer_in_two(came, "a", "bcdefghij")
    pieces = read_in_two(client, came)
    assert "".join(pieces) == "abcdefghij"
    assert pieces[0] == "a"
    assert len(pieces) <= 6


def test_a_line_may_come_in_any_pieces_and_many_lines_in_one(client: OllamaClient, server: ScriptedOllama) -> None:
    whole = STREAM_HEAD + token("Grüße, ") + token("đây") + done() + STREAM_END
    server.plays["/api/chat"] = lambda request: [step for byte in whole for step in (bytes([byte]), 0.0)]
    assert read(client)[0] == "Grüße, đây"


def test_a_connection_is_used_again_after_an_answer_was_read_to_its_end(
    client: OllamaClient, server: ScriptedOllama, settings: Settings
) -> None:
    settings.STREAM_FLUSH_SECONDS = 0.0
    late_end: list[Step] = [STREAM_HEAD, token("a"), done(), 0.01, STREAM_END]
    for play in (server.plays["/api/chat"], always(late_end), always(late_end)):
        server.plays["/api/chat"] = play
        read(client)
    assert server.connections == 1


def test_a_late_end_of_the_framing_does_not_delay_the_answer(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), done(), HANG]
    assert read(client)[0] == "a"


BROKEN_ANSWERS: dict[str, list[Step]] = {
    "an error line after tokens, status 200": [
        STREAM_HEAD,
        token("a"),
        line({"error": "an error was encountered while running the model: unexpected EOF"}),
        STREAM_END,
    ],
    "a clean end without done": [STREAM_HEAD, token("a"), STREAM_END],
    "a connection that is closed in the middle": [STREAM_HEAD, token("a"), "close"],
    "a connection that is reset in the middle": [STREAM_HEAD, token("a"), "reset"],
    "an end within a chunk": [STREAM_HEAD, token("a"), b"ffff\r\n{", "close"],
    "a line that is not JSON": [STREAM_HEAD, token("a"), chunk(b"<html>\n")],
    "a line that is no object": [STREAM_HEAD, token("a"), chunk(b"[1]\n")],
    "a line of a thousand brackets": [STREAM_HEAD, token("a"), chunk(b"[" * 100_000 + b"\n")],
    "content that is no text": [STREAM_HEAD, token("a"), line({"message": {"content": 5}, "done": False})],
    "a chunk without a size": [STREAM_HEAD, token("a"), b"zz\r\n"],
    "a line without end": [STREAM_HEAD, token("a"), *[chunk(b"x" * 65536)] * 20],
}


@pytest.mark.parametrize("steps", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS.keys())
def test_an_answer_that_breaks_off_is_a_failure_after_its_text_and_is_not_asked_again(
    steps: list[Step], client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = lambda request: steps
    got: list[str] = []
    with pytest.raises(OllamaUnavailable):
        for item in ask(client):
            assert not isinstance(item, Finished)
            got += [item.text] if isinstance(item, Token) else []
    assert got == ["a"]
    assert server.count("/api/chat") == 1
    assert client.get_circuit_state("generate")["failure_count"] == 1


@pytest.mark.parametrize(
    "steps",
    [
        answer(),  # nothing but the end
        answer("", " \n"),  # blanks only
        [reply({"model": "m", "message": {"content": ""}, "done": True, "done_reason": "load"})],
        [STREAM_HEAD, STREAM_END],
    ],
)
def test_an_empty_answer_is_a_failure(steps: list[Step], client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: steps
    with pytest.raises(BrokenReply):
        read(client)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ({}, "stop"),
        ({"done_reason": "length"}, "length"),
        ({"done_reason": "LENGTH"}, "length"),
        ({"done_reason": "load"}, "load"),
        ({"done_reason": None}, "stop"),
        ({"done_reason": "", "eval_count": 6}, "stop"),
        (
            {"done_reason": "", "eval_count": 7},
            "length",
        ),  # a server that doesn't say why, after all tokens it may write
        ({"done_reason": 5}, "5"),
    ],
)
def test_why_the_model_stopped_is_told(
    end: dict[str, Any], reason: str, client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = lambda request: answer("a", **end)
    items = list(client.generate("m", [], options={"num_predict": 7}, deadline=Deadline.after(5)))
    assert isinstance(items[-1], Finished)
    assert items[-1].done_reason == reason


def test_a_model_that_thought_until_its_limit_is_no_faulty_host(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: answer("", done_reason="length")
    text, finished = read(client)
    assert (text, finished.done_reason) == ("", "length")
    assert client.get_circuit_state("generate")["failure_count"] == 0


def test_a_line_of_megabytes_is_not_taken_in(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: answer("x" * 2_000_000)
    with pytest.raises(BrokenReply, match="no end"):
        read(client)


def test_text_before_an_error_in_the_same_packet_is_not_lost(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD + token("before") + line({"error": "boom"}) + STREAM_END]
    stream = ask(client)
    assert next_of(stream) == Token("before")
    with pytest.raises(OllamaUnavailable, match="boom"):
        next_of(stream)


@pytest.mark.usefixtures("short_times")
def test_the_first_token_must_come_in_time(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, HANG]
    with pytest.raises(OllamaTimeout):
        read(client)
    assert wait_until(lambda: server.active == 0)  # the host was told to stop


@pytest.mark.usefixtures("short_times")
def test_each_next_token_must_come_in_time(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), HANG]
    stream = ask(client)
    assert next_of(stream) == Token("a")
    with pytest.raises(OllamaTimeout):
        list(stream)
    assert wait_until(lambda: server.active == 0)


@pytest.mark.usefixtures("short_times")
def test_bytes_that_drip_without_ever_making_a_line_are_too_late_too(
    client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = lambda request: [STREAM_HEAD, token("a"), *(chunk(b" "), 0.05) * 200]
    started = time.monotonic()
    with pytest.raises(OllamaTimeout):
        read(client)
    assert time.monotonic() - started < 8  # the bytes drip for ten seconds


def test_a_slow_reader_is_not_the_hosts_fault(client: OllamaClient, server: ScriptedOllama) -> None:
    server.plays["/api/chat"] = lambda request: answer("a", "b")
    stream = ask(client)
    next_of(stream)
    time.sleep(0.8)  # longer than the time between two tokens
    assert isinstance(list(stream)[-1], Finished)


def test_a_prompt_that_the_host_cut_is_noticed_and_counted(client: OllamaClient, server: ScriptedOllama) -> None:
    before = REGISTRY.get_sample_value("context_truncated_total") or 0
    server.plays["/api/chat"] = lambda request: answer("a", prompt_eval_count=500)
    _text, finished = read(client, content="word " * 1000)
    assert finished.context_truncated
    assert REGISTRY.get_sample_value("context_truncated_total") == before + 1


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("word " * 1000, 1010),  # short words, one token each
        ("internationalisation " * 100, 450),
        ("-" * 3000, 60),  # a rule in a table
        ("検索結果の文書" * 100, 420),  # no blanks between words
        ("Nhà thầu phải nộp hồ sơ " * 100, 1100),
        ("short", 0),  # an old server that leaves the count out
    ],
)
def test_a_whole_prompt_is_never_called_cut(
    content: str, tokens: int, client: OllamaClient, server: ScriptedOllama
) -> None:
    server.plays["/api/chat"] = lambda request: answer("a", prompt_eval_count=tokens)
    assert not read(client, content=content)[1].context_truncated
