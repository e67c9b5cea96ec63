"""Streams an answer as server-sent events, with heartbeats while it is quiet, and exactly one final event."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterator
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse

from querying.answering.pipeline import answer_events
from querying.api.representing import answer_as_json, passages_as_json
from querying.concurrency.answer_slots import Slot, take_slot
from querying.concurrency.stream_priority import ScheduledStream, stream_scheduler
from querying.types import Done, Event, Heartbeat, Meta, PassagesFound, Question, Token, Written
from ragsite import shutdown
from ragsite.errors import ShuttingDown
from ragsite.metrics import STREAMS_GIVING_WAY, STREAMS_OPEN
from ragsite.postgres.thread_connection import release_connection
from ragsite.web.exception_handler import log_if_unknown, problem_of

BEAT = b": beat\n\n"
LAST_WAIT_SECONDS = 10.0  # that a stream whose text is complete waits for those without a token
HEADERS = {
    "Cache-Control": "private, no-store, no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would buffer the answer until it is complete
}


def stream_response(question: Question) -> StreamingHttpResponse:
    """Return the response that streams the answer. Raises Overloaded while too many are open."""
    # No connection is held while this waits for a slot; the stream runs in the same thread.
    release_connection()
    stream = EventStream(answer_events(question), take_slot(question.deadline))
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=HEADERS)


class EventStream:
    """The bytes of a stream. Closing it stops the model, even if nothing was read yet.

    A class, because a generator that was never started runs no `finally` and would never release its slot.
    """

    def __init__(self, events: Generator[Event, None, None], slot: Slot) -> None:
        self._events = events
        self._slot = slot
        self._scheduled = stream_scheduler().start()
        self._frames = _frames(events, self._scheduled)
        self._is_open = True
        STREAMS_OPEN.inc()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        """End the stream. The server calls this at its end, and when a write fails because the reader disconnected."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._frames.close()
            self._events.close()
        finally:
            self._scheduled.pause()
            self._slot.release()
            STREAMS_OPEN.dec()


def _frames(events: Generator[Event, None, None], scheduled: ScheduledStream) -> Generator[bytes, None, None]:
    """Yield the bytes of each event; tokens of STREAM_FLUSH_SECONDS together. The last one is `done` or `error`.

    Under load, `done` comes after the first tokens of other streams: see `querying.concurrency.stream_priority`.
    """
    pending: list[str] = []
    flushed_at = 0.0
    try:
        for event in _until_shutdown(events):
            if isinstance(event, Token):
                pending.append(event.text)
                if time.monotonic() - flushed_at < settings.STREAM_FLUSH_SECONDS:
                    continue
            if isinstance(
                event, PassagesFound | Heartbeat
            ):  # a heartbeat: it waits for another request or for the model
                scheduled.pause()
            if isinstance(event, Written) and scheduled.may_finish():
                continue  # pending text is sent with the end
            if pending:
                yield _token_frame(pending)
                flushed_at = time.monotonic()
            elif isinstance(event, Heartbeat):
                yield BEAT
            if isinstance(event, Written):
                yield from _beats_until_granted(scheduled)
            elif not isinstance(event, Token | Heartbeat):
                yield _frame_of(event)
    except Exception as exc:  # noqa: BLE001 - the status has been sent, so every error becomes an event
        if pending:
            yield _token_frame(pending)
        yield _error_frame(exc)


def _beats_until_granted(scheduled: ScheduledStream) -> Iterator[bytes]:
    give_up_at = time.monotonic() + LAST_WAIT_SECONDS
    with STREAMS_GIVING_WAY.track_inprogress():
        while not scheduled.wait(min(settings.STREAM_HEARTBEAT_SECONDS, max(0.0, give_up_at - time.monotonic()))):
            if time.monotonic() >= give_up_at or shutdown.has_begun():
                return
            yield BEAT


def _until_shutdown(events: Generator[Event, None, None]) -> Iterator[Event]:
    """Yield the events; when this process is to stop, throw ShuttingDown into them once, so that they end."""
    told = False
    for event in events:
        yield event
        if shutdown.has_begun() and not told and not isinstance(event, Written | Done):
            told = True
            # While a model writes, this counts as its failure: the answer is quoted. Before, it is the final error.
            yield events.throw(ShuttingDown(retry_after_seconds=1))


def _token_frame(pending: list[str]) -> bytes:
    text = "".join(pending)
    pending.clear()
    return _frame("token", {"text": text})


def _frame_of(event: Meta | PassagesFound | Done) -> bytes:
    if isinstance(event, Meta):
        modes = {"answer_mode": event.mode.value, "original_mode": (event.original_mode or event.mode).value}
        return _frame("meta", {"id": str(event.id), **modes, "corpora": list(event.corpora)})
    if isinstance(event, PassagesFound):
        return _frame("passages", passages_as_json(event.passages))
    return _frame("done", answer_as_json(event.answer))


def _error_frame(exc: Exception) -> bytes:
    log_if_unknown(exc)
    _, problem, headers = problem_of(exc)
    if "Retry-After" in headers:
        problem["retry_after_seconds"] = math.ceil(float(headers["Retry-After"]))
    return _frame("error", problem)


def _frame(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", "replace")
