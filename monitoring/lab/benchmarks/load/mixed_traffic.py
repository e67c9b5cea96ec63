"""Sends good and bad requests of every kind from a few clients; each has exactly one right outcome."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from monitoring.lab.benchmarks.data.plain_texts import make_prose
from monitoring.lab.benchmarks.load.keep_alive_client import IDLE_SECONDS, as_multipart

TIMEOUT_SECONDS = 60.0
UPLOAD_BYTES = 1500
LEAVE_AFTER_BYTES = 300
JSON = "application/json"


@dataclass(frozen=True)
class Sent:
    """A request, and what is right: a status, and what the body must hold."""

    kind: str
    method: str
    path: str
    body: bytes = b""
    content_type: str = JSON
    status: int = 200
    holds: bytes = b""
    leaves: bool = False  # hangs up in the middle of the answer
    signed: bool = False  # with the API key


@dataclass
class Tally:
    """What came of the requests so far."""

    done: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)


class MixedTraffic:
    """Sends `count` requests, the kinds in turn, from so many clients; `on_done` hears of each, in its thread."""

    def __init__(self, url: str, corpus: str, upload_corpus: str, api_key: str, questions: Sequence[str]) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._api_key = api_key
        self._makers = _makers(corpus, upload_corpus, questions)
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.tally = Tally()
        make_prose(UPLOAD_BYTES, seed=0)  # the first text takes longest: a connection must not be idle meanwhile

    def send(self, count: int, *, clients: int, on_done: Callable[[int], None] = lambda done: None) -> Tally:
        """Send them, and return what came of them."""
        threads = [threading.Thread(target=self._be_client, args=(count, on_done)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.tally

    def _be_client(self, count: int, on_done: Callable[[int], None]) -> None:
        connection = HTTPConnection(*self._address, timeout=TIMEOUT_SECONDS)
        used_at = time.monotonic()
        while (number := next(self._numbers)) < count:
            sent = self._makers[number % len(self._makers)](number)
            if time.monotonic() - used_at > IDLE_SECONDS:
                connection.close()
            try:
                wrong = self._outcome(connection, sent)
            except (OSError, HTTPException) as error:
                wrong = type(error).__name__
                connection.close()
            used_at = time.monotonic()
            with self._lock:
                self.tally.done += 1
                self.tally.kinds[sent.kind] += 1
                if wrong:
                    self.tally.unexpected[f"{sent.kind}: {wrong}"] += 1
                done = self.tally.done
            on_done(done)
        connection.close()

    def _outcome(self, connection: HTTPConnection, sent: Sent) -> str:
        """Send one request, and return what is wrong with what came; empty: nothing."""
        headers = {"Content-Type": sent.content_type}
        if sent.signed:
            headers["Authorization"] = f"Bearer {self._api_key}"
        connection.request(sent.method, sent.path, sent.body or None, headers)
        reply = connection.getresponse()
        if sent.leaves and reply.status == sent.status:
            reply.read(LEAVE_AFTER_BYTES)
            connection.close()  # the next request opens it again
            return ""
        content = reply.read()
        if reply.status != sent.status:
            return f"{reply.status} and not {sent.status}"
        return "" if sent.holds in content else "the answer lacks what it should have"


def _makers(corpus: str, upload_corpus: str, questions: Sequence[str]) -> list[Callable[[int], Sent]]:
    """Return what makes the n-th request of each place in the mix."""

    def asked(
        kind: str, path: str, holds: str = "", *, leaves: bool = False, **fields: object
    ) -> Callable[[int], Sent]:
        def make(number: int) -> Sent:
            question = questions[number % len(questions)]
            body = json.dumps({"query": question, "corpora": [corpus], **fields}).encode()
            return Sent(kind, "POST", path, body, holds=holds.encode(), leaves=leaves)

        return make

    def upload(number: int) -> Sent:
        body, content_type = as_multipart(
            {"corpus": upload_corpus}, f"note-{number}.txt", make_prose(UPLOAD_BYTES, seed=number).encode()
        )
        return Sent("upload", "POST", "/api/v1/documents", body, content_type, status=202, signed=True)

    query, search = "/api/v1/query", "/api/v1/search"
    return [
        asked("search", search, '"passages"', use_cache=False),
        asked("query, cached or not", query, '"answer_mode"'),
        asked("stream", query, "event: done", stream=True, use_cache=False),
        asked("search, cached or not", search, '"passages"'),
        _bad,
        asked("query", query, '"answer_mode"', use_cache=False),
        asked("stream that leaves", query, stream=True, use_cache=False, leaves=True),
        upload,
        asked("search", search, '"passages"', use_cache=False),
        asked("query, cached or not", query, '"answer_mode"'),
    ]


# What nobody should send, and what it gets.
_BAD: Sequence[tuple[Mapping[str, str | bytes], int]] = (
    ({"path": "/api/v1/query", "body": b"{"}, 400),
    ({"path": "/api/v1/query", "body": b'{"query": ""}'}, 400),
    ({"path": "/api/v1/query", "body": b'{"query": "x", "topk": 3}'}, 400),
    ({"path": "/api/v1/search", "body": b'{"query": "x", "corpora": ["no-such-corpus"]}'}, 404),
    ({"path": "/api/v1/search", "body": json.dumps({"query": "x" * 5000}).encode()}, 400),
    ({"path": "/api/v1/nothing-here", "body": b"{}"}, 404),
    ({"path": "/api/v1/search", "body": b"", "method": "DELETE"}, 405),
    ({"path": "/api/v1/documents", "body": b"x", "content_type": "multipart/form-data; boundary=y"}, 401),
    ({"path": "/api/v1/search", "body": b'{"query": "x", "filters": {"nothing": 1}}'}, 400),
)


def _bad(number: int) -> Sent:
    fields, status = _BAD[(number // 10) % len(_BAD)]
    return Sent("bad request", **{"method": "POST", **fields}, status=status)  # type: ignore[arg-type]
