"""Bodies are read, and refused, as Go's decoder does it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring.lab.ollama_simulator.http.durations import (
    FOREVER_SECONDS,
    keep_alive_seconds,
    parse_go_duration,
    rfc3339,
)
from monitoring.lab.ollama_simulator.http.refusals import Refusal
from monitoring.lab.ollama_simulator.model.decoding import decode_first_value, decode_struct


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "missing request body"),
        ("{", "unexpected EOF"),
        ('{"a', "unexpected EOF"),
        ('{"a":', "unexpected EOF"),
        ("[1,", "unexpected EOF"),
        ("tru", "unexpected EOF"),
        ("trux", "invalid character 'x' in literal true (expecting 'e')"),
        ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 2}', "invalid character '2' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
        ("-x", "invalid character 'x' in numeric literal"),
        ('"a\nb"', "invalid character '\\n' in string literal"),
        ('"\\x"', "invalid character 'x' in string escape code"),
        ('"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"),
        ("[" * 100_000, "exceeded max depth"),
        ("%PDF-1.7", "invalid character '%' looking for beginning of value"),
    ],
)
def test_what_is_no_json_is_refused_in_the_words_of_go(text: str, error: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode_first_value(text.encode())
    assert (refused.value.status, refused.value.text) == (400, error)


@given(st.binary(max_size=60))
@example(b'{"a":1}{')
@example(b"1" * 5000)
def test_any_bytes_are_a_value_or_a_refusal(body: bytes) -> None:
    try:
        decode_first_value(body)
    except Refusal as refused:
        assert refused.status == 400
        assert refused.text


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_json_is_read_and_what_follows_ignored(value: Any) -> None:
    assert decode_first_value(json.dumps(value).encode() + b" \x00{") == value


def test_lone_surrogates_are_replaced() -> None:
    assert decode_first_value(rb'{"\ud800": ["a\udfff"]}') == {"\ufffd": ["a\ufffd"]}


def test_fields_are_found_in_any_case_and_null_means_left_out() -> None:
    body = {"MODEL": "m", "Truncate": None, "unknown": 1, "messages": [{"Role": "USER", "content": "x"}]}
    assert decode_struct(json.dumps(body).encode(), "ChatRequest") == {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
    }
    assert decode_struct(b"null", "EmbedRequest") == {}


@pytest.mark.parametrize(
    ("struct", "body", "error"),
    [
        ("EmbedRequest", {"dimensions": 1.5}, "number 1.5 into Go struct field EmbedRequest.dimensions of type int"),
        (
            "EmbedRequest",
            {"options": []},
            "array into Go struct field EmbedRequest.options of type map[string]interface {}",
        ),
        ("ChatRequest", {"messages": {}}, "object into Go struct field ChatRequest.messages of type []api.Message"),
        ("ChatRequest", {"messages": [{"content": []}]}, "array into Go struct field Message.content of type string"),
        ("ChatRequest", {"messages": ["x"]}, "string into Go value of type api.Message"),
        ("GenerateRequest", {"stream": 1}, "number into Go struct field GenerateRequest.stream of type bool"),
        ("PullRequest", True, "bool into Go value of type api.PullRequest"),
    ],
)
def test_wrong_types_are_named(struct: str, body: Any, error: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode_struct(json.dumps(body).encode(), struct)
    assert refused.value.text == "json: cannot unmarshal " + error


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("1h30m", 5400), ("-1m", -60), ("0", 0), ("1.5s", 1.5), ("300ms", 0.3), ("2us", 2e-6), (".5s", 0.5)],
)
def test_go_durations(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "abc", "-", "5 m", "m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Refusal):
        parse_go_duration(text)


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, None), (1.5, 1.5), (-1, FOREVER_SECONDS), ("-1s", FOREVER_SECONDS)]
)
def test_keep_alive(value: Any, seconds: float | None) -> None:
    assert keep_alive_seconds(value) == seconds


def test_times_are_always_as_long() -> None:
    assert {len(rfc3339(seconds)) for seconds in (0.0, 1.9999999999, 1_700_000_000.5)} == {30}
    assert rfc3339(1_700_000_000.25) == "2023-11-14T22:13:20.250000007Z"
