"""What a server sends is read right, however it is cut into pieces."""

from __future__ import annotations

import pytest

from monitoring.lab.testbed.event_reader import BadBody, Dechunker, Events

STREAM = (
    b'event: meta\ndata: {"id": "1"}\n\n: beat\n\nevent: token\ndata: {"text": "a"}\n\n'
    b'event: token\ndata: {"text": "b"}\n\nevent: done\ndata: {"answer": "ab"}\n\n'
)


def chunked(content: bytes, size: int) -> bytes:
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("piece_bytes", [1, 2, 7, 10_000])
@pytest.mark.parametrize("chunk_bytes", [1, 16, 300])
def test_a_stream_reads_the_same_in_any_pieces(piece_bytes: int, chunk_bytes: int) -> None:
    body, chunks, events = chunked(STREAM, chunk_bytes), Dechunker(), Events()
    for at in range(0, len(body), piece_bytes):
        assert not chunks.ended
        events.feed(chunks.feed(body[at : at + piece_bytes]))
    assert chunks.ended
    assert events.counts == {"meta": 1, "token": 2, "done": 1}
    assert (events.tokens, events.beats, events.ends) == (2, 1, 1)
    assert (events.last_name, events.last_data) == ("done", b'{"answer": "ab"}')
    assert events.is_complete


@pytest.mark.parametrize(
    "stream",
    [
        b"event: token\ndata: 1\n\n",  # no end
        b"event: done\ndata: 1\n\nevent: error\ndata: 2\n\n",  # two
        b"event: done\ndata: 1\n\nevent: done\ndata: 2\n\n",
        b"event: done\ndata: 1\n\nevent: token\ndata: 2\n\n",  # something after it
        b"event: done\ndata: 1\n\nevent: tok",  # ... or half of something
        b"event: done\ndata: 1",  # half of one
        b"",
    ],
)
def test_a_stream_without_exactly_one_end_is_not_complete(stream: bytes) -> None:
    events = Events()
    events.feed(stream)
    assert not events.is_complete


def test_a_body_that_ends_early_has_not_ended() -> None:
    chunks = Dechunker()
    chunks.feed(chunked(STREAM, 20)[:-5])
    assert not chunks.ended


def test_what_is_neither_chunk_nor_event_is_refused() -> None:
    with pytest.raises(BadBody):
        Dechunker().feed(b"<html>\r\n")
    with pytest.raises(BadBody):
        Events().feed(b"<html>\n\n")
