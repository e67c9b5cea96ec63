"""HTTP replies in any pieces: the same body as Python's own parser finds, and never more than a little memory."""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragsite.errors import BrokenReply
from ragsite.ollama.http_reply import HttpReply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def feed(*pieces: bytes) -> tuple[HttpReply, bytes]:
    reply = HttpReply()
    return reply, b"".join(reply.feed(piece) for piece in pieces)


class _Wire(io.BytesIO):
    def makefile(self, mode: str) -> io.BytesIO:
        return self


@given(
    body=st.binary(max_size=400),
    cuts=st.lists(st.integers(0, 700), max_size=30),
    sizes=st.lists(st.integers(1, 60), max_size=12),
    framing=st.sampled_from(["chunked", "length", "close"]),
    extension=st.sampled_from([b"", b";a=b", b" "]),
    trailer=st.sampled_from([b"", b"X-Sum: 1\r\n"]),
    interim=st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]),
)
def test_any_split_gives_what_pythons_own_parser_gives(
    body: bytes, cuts: list[int], sizes: list[int], framing: str, extension: bytes, trailer: bytes, interim: bytes
) -> None:
    wire = interim
    if framing == "chunked":
        wire += CHUNKED
        rest = body
        for size in [*sizes, len(body)]:
            piece, rest = rest[:size], rest[size:]
            wire += b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) if piece else b""
        wire += b"0\r\n" + trailer + b"\r\n"
    elif framing == "length":
        wire += b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    else:
        wire += b"HTTP/1.1 200 OK\r\n\r\n" + body
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    ours, found = feed(*[wire[start:end] for start, end in itertools.pairwise(edges)])
    if framing == "close":
        ours.end()
    theirs = http.client.HTTPResponse(_Wire(wire))  # type: ignore[arg-type]
    theirs.begin()
    assert found == theirs.read() == body
    assert ours.complete
    assert ours.status == theirs.status == 200
    assert ours.may_reuse == (framing != "close")


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_nonsense_is_broken_or_waits_for_more_but_never_anything_else(pieces: list[bytes]) -> None:
    for start in (b"", CHUNKED, b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"):
        with contextlib.suppress(BrokenReply):
            feed(start, *pieces)


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",  # another service on the port
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        CHUNKED + b"-5\r\n",
        CHUNKED + b"0x5\r\n",
        CHUNKED + b"1_0\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"f" * 16 + b"\r\n",
        CHUNKED + b"0" * 2000,  # a size without end
        CHUNKED + b"5;" + b"x" * 2000,
        CHUNKED + b"0\r\n" + b"x" * 2000,  # a trailer without end
        CHUNKED + b"0\r\n" + b"x: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,  # a head without end
        b"HTTP/1.1 100 Continue\r\n\r\n" * 11,
    ],
)
def test_broken_http_is_refused_with_little_kept(wire: bytes) -> None:
    with pytest.raises(BrokenReply):
        feed(wire)
    with pytest.raises(BrokenReply):
        reply = HttpReply()
        for byte in wire:
            reply.feed(bytes([byte]))


def test_what_came_before_the_nonsense_is_handed_out_first() -> None:
    reply = HttpReply()
    assert reply.feed(CHUNKED + b"2\r\nab\r\nzz\r\n") == b"ab"
    with pytest.raises(BrokenReply):
        reply.feed(b"")


@pytest.mark.parametrize("wire", [b"", b"HTTP/1.1 200 OK\r\n", CHUNKED + b"5\r\nab", CHUNKED + b"2\r\nab\r\n"])
def test_an_end_before_the_end_is_broken(wire: bytes) -> None:
    with pytest.raises(BrokenReply):
        feed(wire)[0].end()


@pytest.mark.parametrize(
    ("wire", "reusable"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1", False),  # bytes that nobody asked for
    ],
)
def test_whether_a_connection_can_be_used_again(wire: bytes, reusable: bool) -> None:
    reply = feed(wire)[0]
    assert reply.complete
    assert reply.may_reuse is reusable
