"""Server-sent events: their bytes, exactly one end, and no leak when the reader disconnects."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import Any

import pytest
from pytest_django import Settings

from querying.api import streaming
from querying.api.streaming import BEAT, EventStream
from querying.concurrency import answer_slots
from querying.concurrency.answer_slots import take_slot
from querying.concurrency.stream_priority import StreamScheduler
from querying.types import HEARTBEAT, WRITTEN, Answer, AnswerMode, Done, Event, Meta, PassagesFound, Token
from ragsite import shutdown
from ragsite.deadline import Deadline
from ragsite.errors import DatabaseUnavailable, Overloaded, ShuttingDown
from ragsite.metrics import STREAMS_GIVING_WAY, STREAMS_OPEN
from tests.figures import value_of
from tests.querying.made import made_passage

META = Meta(uuid.UUID(int=7), AnswerMode.GENERATED, ("handbook",))


def made_answer(text: str = "Yes.") -> Answer:
    return Answer(
        id=META.id,
        text=text,
        mode=AnswerMode.GENERATED,
        degraded=False,
        reasons=(),
        answerable=True,
        citations=(),
        passages=(),
        legs=(),
        model="m",
        usage=None,
        timings_ms={"total": 1.0},
    )


DONE = Done(made_answer())
Make = Callable[[], Generator[Event, None, None]]


def stream_of(make: Make) -> EventStream:
    return EventStream(make(), take_slot(Deadline.after(1)))


def frames_of(make: Make) -> list[bytes]:
    stream = stream_of(make)
    try:
        return list(stream)
    finally:
        stream.close()


def parsed(frames: list[bytes]) -> list[tuple[str, Any]]:
    """Return (event, data) of each frame that is no comment."""
    found = []
    for frame in frames:
        if not frame.startswith(b":"):
            name, data = frame.decode().removesuffix("\n\n").split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_each_event_has_its_frame(settings: Settings) -> None:
    settings.STREAM_FLUSH_SECONDS = 0

    def events() -> Generator[Event, None, None]:
        yield META
        yield PassagesFound((made_passage(1, "Grüße\nan alle"),))
        yield HEARTBEAT
        yield Token("Ja ")
        yield Token("wohl")
        yield DONE

    frames = frames_of(events)
    assert frames[2] == BEAT == b": beat\n\n"
    found = parsed(frames)
    assert [name for name, _ in found] == ["meta", "passages", "token", "token", "done"]
    modes = {"answer_mode": "generated", "original_mode": "generated"}
    assert found[0][1] == {"id": str(META.id), **modes, "corpora": ["handbook"]}
    assert found[1][1][0]["text"] == "Grüße\nan alle"
    assert [data["text"] for name, data in found if name == "token"] == ["Ja ", "wohl"]
    assert found[-1][1]["answer"] == "Yes."


def test_tokens_that_come_fast_go_out_together(settings: Settings) -> None:
    settings.STREAM_FLUSH_SECONDS = 0.05

    def events() -> Generator[Event, None, None]:
        yield META
        for number in range(100):
            if number == 50:
                time.sleep(0.1)
            yield Token(f"{number} ")
        yield DONE

    texts = [data["text"] for name, data in parsed(frames_of(events)) if name == "token"]
    assert "".join(texts) == "".join(f"{number} " for number in range(100))
    assert 3 <= len(texts) <= 20
    assert texts[0] == "0 "  # the first one doesn't wait


def test_an_error_is_the_last_event_and_tells_nothing_of_the_inside() -> None:
    def events() -> Generator[Event, None, None]:
        yield META
        yield Token("Some ")
        yield Token("text")
        raise ZeroDivisionError("secret")

    found = parsed(frames_of(events))
    assert [name for name, _ in found] == ["meta", "token", "token", "error"]
    assert found[-1][1]["status"] == 500
    assert "secret" not in json.dumps(found)


def test_an_error_says_when_to_come_back() -> None:
    def events() -> Generator[Event, None, None]:
        yield META
        raise DatabaseUnavailable(retry_after_seconds=4.2)

    problem = parsed(frames_of(events))[-1][1]
    assert (problem["code"], problem["status"], problem["retry_after_seconds"]) == ("database_unavailable", 503, 5)


def test_closing_the_stream_closes_the_work_and_gives_the_slot_back() -> None:
    closed: list[bool] = []

    def events() -> Generator[Event, None, None]:
        try:
            while True:
                yield HEARTBEAT
        finally:
            closed.append(True)

    before, open_before = answer_slots.taken(), value_of(STREAMS_OPEN)
    stream = stream_of(events)
    next(stream)
    assert (answer_slots.taken(), value_of(STREAMS_OPEN)) == (before + 1, open_before + 1)
    stream.close()
    stream.close()
    assert closed == [True]
    assert (answer_slots.taken(), value_of(STREAMS_OPEN)) == (before, open_before)


def test_an_unread_stream_releases_its_slot() -> None:
    before = answer_slots.taken()
    stream = stream_of(lambda: iter_events([META, DONE]))
    stream.close()
    assert answer_slots.taken() == before


def iter_events(events: list[Event]) -> Generator[Event, None, None]:
    yield from events


WRITTEN_OUT: list[Event] = [META, PassagesFound(()), Token("Yes"), Token("."), WRITTEN, DONE]


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> StreamScheduler:
    """The scheduler of a process under load, with room for one active stream."""
    crowded = StreamScheduler(1, lambda: True)
    monkeypatch.setattr(streaming, "stream_scheduler", lambda: crowded)
    monkeypatch.setattr(streaming, "LAST_WAIT_SECONDS", 600.0)
    return crowded


def test_without_load_the_end_follows_at_once(settings: Settings) -> None:
    settings.STREAM_FLUSH_SECONDS = 60
    found = parsed(frames_of(lambda: iter_events(WRITTEN_OUT)))
    assert [name for name, _ in found] == ["meta", "passages", "token", "token", "done"]


def test_a_stream_without_a_token_goes_before_one_that_lacks_only_its_end(
    crowd: StreamScheduler, settings: Settings
) -> None:
    settings.STREAM_FLUSH_SECONDS = 60
    settings.STREAM_HEARTBEAT_SECONDS = 0.02
    newcomer = stream_of(lambda: iter_events(WRITTEN_OUT))
    stream = stream_of(lambda: iter_events(WRITTEN_OUT))
    read = [next(stream) for _ in range(6)]
    assert [name for name, _ in parsed(read)] == ["meta", "passages", "token", "token"]
    assert parsed(read)[-1][1]["text"] == "."  # the reader has all of the text before the wait
    assert read[-2:] == [BEAT, BEAT]
    assert value_of(STREAMS_GIVING_WAY) == 1
    assert [name for name, _ in parsed([next(newcomer) for _ in range(2)])] == ["meta", "passages"]
    assert parsed(list(islice(stream, 100)))[0][0] == "done"
    for each in (newcomer, stream):
        each.close()
    assert (crowd.active, value_of(STREAMS_GIVING_WAY)) == (0, 0)


def test_the_end_waits_no_longer_than_a_reader_has_patience(
    crowd: StreamScheduler, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STREAM_HEARTBEAT_SECONDS = 60
    monkeypatch.setattr(streaming, "LAST_WAIT_SECONDS", 0.05)
    newcomer = stream_of(lambda: iter_events(WRITTEN_OUT))
    assert parsed(frames_of(lambda: iter_events(WRITTEN_OUT)))[-1][0] == "done"
    newcomer.close()
    assert crowd.active == 0


def test_a_stream_that_waits_for_something_else_keeps_none_from_finishing(
    crowd: StreamScheduler, settings: Settings
) -> None:
    settings.STREAM_FLUSH_SECONDS, settings.STREAM_HEARTBEAT_SECONDS = 60, 0.02

    def events() -> Generator[Event, None, None]:
        yield META
        while True:
            yield HEARTBEAT  # for the answer to the same question that somebody else is given, say

    waiting, stream = stream_of(events), stream_of(lambda: iter_events(WRITTEN_OUT))
    assert [next(waiting), next(waiting)][-1] == BEAT
    assert parsed(list(islice(stream, 5)))[-1][0] == "done"
    for each in (waiting, stream):
        each.close()


@pytest.mark.parametrize("last", [ZeroDivisionError, GeneratorExit])
def test_no_stream_is_counted_once_it_is_gone(crowd: StreamScheduler, last: type[BaseException]) -> None:
    def events() -> Generator[Event, None, None]:
        yield META
        if last is ZeroDivisionError:
            raise last
        yield DONE

    stream = stream_of(events)
    next(stream)
    assert crowd.active == 1
    stream.close()
    assert crowd.active == 0


@pytest.fixture
def shutting_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(shutdown, "_begun", True)
    yield


def test_at_shutdown_a_generation_is_interrupted_and_ends_with_its_text_so_far(shutting_down: None) -> None:
    def events() -> Generator[Event, None, None]:
        try:
            while True:
                yield Token("a ")
        except ShuttingDown:
            yield DONE

    assert [name for name, _ in parsed(frames_of(events))] == ["token", "done"]


def test_at_shutdown_work_that_has_nothing_yet_ends_with_an_error(shutting_down: None) -> None:
    def events() -> Generator[Event, None, None]:
        yield META
        yield DONE

    found = parsed(frames_of(events))
    assert [name for name, _ in found] == ["meta", "error"]
    assert found[-1][1]["code"] == "shutting_down"


def test_a_stream_that_is_done_is_not_disturbed_by_the_shutdown(shutting_down: None) -> None:
    assert [name for name, _ in parsed(frames_of(lambda: iter_events([DONE])))] == ["done"]
    assert [name for name, _ in parsed(frames_of(lambda: iter_events([WRITTEN, DONE])))] == ["done"]


def test_at_shutdown_no_end_waits_for_others(shutting_down: None, crowd: StreamScheduler, settings: Settings) -> None:
    settings.STREAM_HEARTBEAT_SECONDS = 0.02
    newcomer, stream = stream_of(lambda: iter_events(WRITTEN_OUT)), stream_of(lambda: iter_events([WRITTEN, DONE]))
    assert [name for name, _ in parsed(list(islice(stream, 5)))] == ["done"]
    for each in (newcomer, stream):
        each.close()


def test_beyond_the_limit_a_stream_is_refused_after_a_short_wait(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_slots, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(answer_slots, "_taken", 0)
    settings.MAX_OPEN_STREAMS = 2
    first, second = take_slot(Deadline.after(9)), take_slot(Deadline.after(9))
    with pytest.raises(Overloaded) as caught:
        take_slot(Deadline.after(9))
    assert caught.value.retry_after_seconds
    first.release()
    first.release()  # more often does no harm
    with take_slot(Deadline.after(9)), pytest.raises(Overloaded):
        take_slot(Deadline.after(0))
    second.release()
    assert answer_slots.taken() == 0
