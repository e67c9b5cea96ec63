"""A request counts as complete when its last byte is there, however it was cut on its way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsite.web.worker import request_framing
from ragsite.web.worker.request_framing import Framing, State

GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /q HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 11\r\n\r\nhello world"
EMPTY_POST = b"POST /q HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"POST /q HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe\r\n0\r\n6;x=y\r\n\r\n0\r\n\r\r\n0\r\n\r\n"
TRAILERS = b"POST /q HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n"
REQUESTS = [GET, POST, EMPTY_POST, CHUNKED, TRAILERS, b"\r\n\r\n" + GET]


def states(pieces: list[bytes]) -> list[State]:
    framing = Framing()
    return [framing.add(piece) for piece in pieces]


@pytest.mark.parametrize("request_bytes", REQUESTS)
def test_it_is_complete_with_its_last_byte_and_not_before(request_bytes: bytes) -> None:
    found = states([bytes([byte]) for byte in request_bytes])
    assert found[-1] is State.COMPLETE
    assert State.COMPLETE not in found[:-1]


@given(st.sampled_from(REQUESTS), st.lists(st.integers(1, 90), max_size=6))
def test_however_it_is_cut(request_bytes: bytes, cuts: list[int]) -> None:
    at = sorted({0, len(request_bytes), *(cut % len(request_bytes) for cut in cuts)})
    pieces = [request_bytes[begin:end] for begin, end in pairwise(at)]
    found = states(pieces)
    assert found[-1] is State.COMPLETE
    assert State.COMPLETE not in found[:-1]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_make_it_fail(pieces: list[bytes]) -> None:
    assert all(state in State for state in states([b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *pieces]))


def test_the_next_request_is_kept_with_it_and_taking_it_begins_the_next_one() -> None:
    framing = Framing()
    assert framing.add(POST + GET) is State.COMPLETE
    assert framing.take() == POST + GET
    assert (framing.state, framing.add(GET[:9]), framing.add(GET[9:])) == (State.EMPTY, State.HEAD, State.COMPLETE)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 1048577",
        b"Content-Length: 5\r\nContent-Length: 5",  # the parser is to judge
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: -5",
        b"Content-Length: 99999999999999999999",
        b"Transfer-Encoding: gzip, chunked",
        b"Expect: 100-continue\r\nContent-Length: 5",
        b"Expect: 100-continue",
    ],
)
def test_a_body_that_is_long_or_cannot_be_measured_is_left_to_a_thread(headers: bytes) -> None:
    assert states([b"POST / HTTP/1.1\r\n" + headers + b"\r\n\r\n"]) == [State.LONG]


def test_so_is_a_chunked_one_that_has_become_long() -> None:
    chunk = b"20000\r\n" + bytes(0x20000) + b"\r\n"
    found = states([b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 9])
    assert found == [State.BODY] * 8 + [State.LONG] * 2


def test_and_one_whose_chunk_size_never_ends() -> None:
    assert states([b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 5000])[-1] is State.LONG


@pytest.mark.parametrize("malformed", [b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nA: b\n"])
def test_lines_without_cr_are_for_the_parser_to_refuse_at_once(malformed: bytes) -> None:
    assert states([malformed]) == [State.COMPLETE]


@pytest.mark.parametrize("chunk", [b"xyz\r\n", b"-5\r\n", b"\r\n"])
def test_so_are_malformed_chunks(chunk: bytes) -> None:
    assert states([b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk]) == [State.COMPLETE]


def test_headers_have_a_limit() -> None:
    line = b"A: " + b"x" * 1000 + b"\r\n"
    found = states([b"GET / HTTP/1.1\r\n", *[line] * 70])
    assert found[-1] is State.HEAD_TOO_LONG
    assert found.index(State.HEAD_TOO_LONG) == request_framing.HEAD_MAX_BYTES // len(line) + 1
    assert states([b"GET / HTTP/1.1\r\n" + line * 70 + b"\r\n"]) == [State.HEAD_TOO_LONG]
