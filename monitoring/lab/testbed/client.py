"""Sends one request on a connection of its own, as a client does, and keeps its outcome."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from monitoring.lab.testbed.corpus import CORPUS
from monitoring.lab.testbed.event_reader import BadBody, Dechunker, Events

CONNECT_SECONDS = 5.0
PATIENCE_SECONDS = 15.0  # beyond the deadline; a request without a reply by then has been lost
READ_BYTES = 65_536

# answered: 200 and complete. ended: a stream that ended in `error`. shed: 503 with Retry-After. problem: any other
# status, with a problem document. left: we hung up, as planned. And three that must never be: refused (no
# connection), cut (no end, or more than one), forgotten (nothing came).
Outcome = Literal["answered", "ended", "shed", "problem", "left", "refused", "cut", "forgotten"]
LOST: frozenset[str] = frozenset({"refused", "cut", "forgotten"})


@dataclass(frozen=True)
class Asking:
    """One question, and how to send it."""

    path: str = "/api/v1/query"
    stream: bool = False
    deadline_seconds: float = 5.0
    leave_after_tokens: int | None = None  # hang up then
    use_cache: bool = False

    def body(self, question: str) -> bytes:
        """Return the request's body."""
        fields: dict[str, Any] = {
            "query": question,
            "corpora": [CORPUS],
            "deadline_ms": int(self.deadline_seconds * 1000),
            "use_cache": self.use_cache,
        }
        if "search" not in self.path:
            fields["stream"] = self.stream
        return json.dumps(fields).encode()


@dataclass(frozen=True)
class Reply:
    """What came of one request. Times are seconds; `at` is a point of the monotonic clock."""

    asking: Asking
    at: float
    outcome: Outcome
    seconds: float
    status: int = 0
    code: str = ""  # of a problem
    mode: str = ""  # of an answer
    reasons: frozenset[str] = frozenset()  # why the answer is less than it could be
    first_token_seconds: float | None = None
    generate_ms: float | None = None  # what the server says it waited for the model
    tokens: int = 0
    note: str = ""

    @property
    def ended_at(self) -> float:
        """Return the time of the end of the reply."""
        return self.at + self.seconds

    @property
    def is_good(self) -> bool:
        """Return whether the asker got an answer, on whatever rung."""
        return self.outcome == "answered"

    @property
    def is_generated(self) -> bool:
        """Return whether the model wrote all of it."""
        return self.is_good and self.mode == "generated" and "answer_cut" not in self.reasons

    @property
    def is_late(self) -> bool:
        """Return whether it came after the deadline."""
        return self.seconds > self.asking.deadline_seconds


@dataclass
class _Read:
    """What has been read of a reply."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    events: Events | None = None
    body: bytes = b""
    complete: bool = False
    left: bool = False
    first_token_at: float | None = None


async def ask(host: str, port: int, asking: Asking, question: str) -> Reply:
    """Ask, read to the end (or hang up, if so planned), and return what came of it; never raises."""
    at = time.monotonic()
    read = _Read()
    note = ""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return Reply(asking, at, "refused", time.monotonic() - at, note=type(error).__name__)
    try:
        async with asyncio.timeout(asking.deadline_seconds + PATIENCE_SECONDS):
            writer.write(_request(host, port, asking, asking.body(question)))
            await _read_reply(reader, asking, read)
    except TimeoutError:
        return Reply(asking, at, "forgotten", time.monotonic() - at, read.status)
    except (OSError, EOFError, BadBody, asyncio.LimitOverrunError) as error:
        note = f"{type(error).__name__} {error}"[:120]
    finally:
        writer.close()
    return _reply(asking, at, read, note)


def _request(host: str, port: int, asking: Asking, body: bytes) -> bytes:
    lines = [
        f"POST {asking.path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _read_reply(reader: asyncio.StreamReader, asking: Asking, read: _Read) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    read.status = int(head[0].split(" ")[1])
    pairs = (line.partition(":") for line in head[1:] if line)
    read.headers = {name.lower(): value.strip() for name, _, value in pairs}
    if read.headers.get("content-type", "").startswith("text/event-stream"):
        read.events = Events()
    if read.headers.get("transfer-encoding") == "chunked":
        await _read_chunks(reader, asking, read)
    else:
        read.body = await reader.readexactly(int(read.headers.get("content-length", 0)))
        read.complete = True


async def _read_chunks(reader: asyncio.StreamReader, asking: Asking, read: _Read) -> None:
    chunks = Dechunker()
    while not chunks.ended:
        data = await reader.read(READ_BYTES)
        if not data:
            return
        content = chunks.feed(data)
        if read.events is None:
            read.body += content
            continue
        read.events.feed(content)
        if read.events.tokens and read.first_token_at is None:
            read.first_token_at = time.monotonic()
        if asking.leave_after_tokens is not None and read.events.tokens >= asking.leave_after_tokens:
            read.left = True
            return
    read.complete = True


def _reply(asking: Asking, at: float, read: _Read, note: str) -> Reply:
    ended_at = time.monotonic()
    tokens = read.events.tokens if read.events else 0
    outcome, told = _outcome_of(asking, read)
    timings = told.get("timings_ms") or {}
    return Reply(
        asking,
        at,
        outcome,
        ended_at - at,
        status=read.status,
        code=str(told.get("code", "")),
        mode=str(told.get("answer_mode", "")),
        reasons=frozenset(reason["code"] for reason in told.get("degraded_reasons") or ()),
        first_token_seconds=None if read.first_token_at is None else read.first_token_at - at,
        generate_ms=timings.get("generate"),
        tokens=tokens,
        note=note,
    )


def _outcome_of(asking: Asking, read: _Read) -> tuple[Outcome, dict[str, Any]]:
    """Return the outcome, and the reply's or the terminal event's JSON."""
    if read.left:
        return "left", {}
    if read.events is not None and read.status == 200:
        if not read.complete or not read.events.is_complete:
            return "cut", {}
        return ("answered" if read.events.last_name == "done" else "ended"), _parsed(read.events.last_data)
    if not read.complete:
        return "cut", {}
    told = _parsed(read.body)
    if read.status == 200:
        return "answered", told
    return ("shed" if read.status == 503 and "retry-after" in read.headers else "problem"), told


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
