"""Clients see each reply for what it is: answers, refusals, and what must never be."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from monitoring.lab.testbed import client as asking_module
from monitoring.lab.testbed.client import Asking
from monitoring.lab.testbed.load import Clients

ANSWER = (
    b'{"answer_mode": "extractive", "degraded_reasons": [{"code": "circuit_open"}], "timings_ms": {"generate": 2.5}}'
)
STREAM = Asking(stream=True)


def reply_of(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return head.encode() + body


def stream_of(*events: bytes, complete: bool = True) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n" * complete


def event(name: str, data: bytes = b"{}") -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)


@contextmanager
def answering(reply: bytes | Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[Clients]:
    """Serve that reply to everybody, and give clients who ask."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.connection.recv(65_536)
            if callable(reply):
                reply(self)
            else:
                self.wfile.write(reply)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 200

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Clients(f"http://127.0.0.1:{server.server_address[1]}") as clients:
            yield clients
        server.shutdown()


def test_an_answer_is_read_with_its_mode_and_reasons() -> None:
    with answering(reply_of("200 OK", ANSWER)) as clients:
        reply = clients.ask()
    assert (reply.outcome, reply.mode, sorted(reply.reasons)) == ("answered", "extractive", ["circuit_open"])
    assert reply.generate_ms == 2.5
    assert reply.is_good
    assert not reply.is_generated


def test_a_503_is_deliberate_only_with_retry_after() -> None:
    with answering(reply_of("503 Service Unavailable", b'{"code": "overloaded"}', "Retry-After: 2")) as clients:
        assert (clients.ask().outcome, clients.ask().code) == ("shed", "overloaded")
    with answering(reply_of("503 Service Unavailable", b"{}")) as clients:
        assert clients.ask().outcome == "problem"


def test_a_stream_has_one_end_or_is_cut() -> None:
    token, done = event("token"), event("done", ANSWER)
    with answering(stream_of(event("meta"), token, token, done)) as clients:
        reply = clients.ask(STREAM)
        assert (reply.outcome, reply.mode, reply.tokens) == ("answered", "extractive", 2)
        assert reply.first_token_seconds is not None
    with answering(stream_of(token, event("error", b'{"code": "shutting_down"}'))) as clients:
        assert (clients.ask(STREAM).outcome, clients.ask(STREAM).code) == ("ended", "shutting_down")
    for cut in (stream_of(token), stream_of(token, done, complete=False), stream_of(done, done), b"HTTP/1.1 200 OK"):
        with answering(cut) as clients:
            assert clients.ask(STREAM).outcome == "cut"


def test_a_reader_leaves_after_so_many_words() -> None:
    left = threading.Event()

    def write_for_ever(handler: socketserver.StreamRequestHandler) -> None:
        handler.wfile.write(stream_of(event("token"), event("token"), complete=False))
        try:
            while True:
                time.sleep(0.01)
                handler.wfile.write(b"8\r\n: beat\n\n\r\n")
        except OSError:
            left.set()

    with answering(write_for_ever) as clients:
        assert clients.ask(Asking(stream=True, leave_after_tokens=2)).outcome == "left"
        assert left.wait(10)


def test_silence_and_a_closed_door_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_module, "PATIENCE_SECONDS", 0.1)
    with answering(lambda handler: time.sleep(2)) as clients:
        assert clients.ask(Asking(deadline_seconds=0.1)).outcome == "forgotten"
    with Clients("http://127.0.0.1:1") as clients:
        assert clients.ask().outcome == "refused"


def test_a_steady_load_does_not_wait_for_its_answers() -> None:
    all_there = threading.Barrier(40, timeout=20)

    def slow(handler: socketserver.StreamRequestHandler) -> None:
        all_there.wait()
        handler.wfile.write(reply_of("200 OK", ANSWER))

    with answering(slow) as clients:
        replies = clients.steady(100, count=40).wait(30)
    assert len(replies) == 40
    begun = sorted(reply.at for reply in replies)
    assert begun[-1] < min(reply.ended_at for reply in replies), "the last one was asked before the first answer"


def test_busy_clients_ask_one_question_after_the_other() -> None:
    now, most, lock = 0, 0, threading.Lock()

    def counted(handler: socketserver.StreamRequestHandler) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        handler.wfile.write(reply_of("200 OK", ANSWER))

    with answering(counted) as clients:
        run = clients.busy(3, Asking(), STREAM)
        give_up_at = time.monotonic() + 20
        while (run.asked <= 3 or most < 3) and time.monotonic() < give_up_at:
            time.sleep(0.02)
        replies = run.finish()
    assert len(replies) == run.asked > 3
    assert most == 3
