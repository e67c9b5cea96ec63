"""The stand-in as a thread, as a process and as a command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection

import pytest
import requests

from monitoring.lab.ollama_simulator import StandIn, StandInProcess
from ragsite.paths import PROJECT
from tests.monitoring.lab.ollama_simulator.conftest import Wire, ask_on, wait_until
from tests.timing import stays_below


def test_a_stop_is_an_outage_and_a_start_a_restart_on_the_same_port(standin: StandIn, wire: Wire) -> None:
    wire.embed()
    standin.fail("busy", operation="embed", times=1)
    port = standin.port
    standin.stop()
    with pytest.raises(ConnectionRefusedError):
        wire.embed()
    assert standin.state()["requests"]["embed"] == 1, "state can be read while it is down"
    standin.start()
    assert standin.port == port
    assert wire.get("/api/ps").json == {"models": []}, "what was loaded is gone"
    assert wire.embed().status == 503, "faults stay"
    assert wire.embed().status == 200


def test_a_stop_resets_open_streams(standin: StandIn, wire: Wire) -> None:
    standin.set(tokens=1000, tokens_per_second=20)
    own = wire.raw_post("/api/generate", {"model": "nano-llama", "prompt": "a"})
    assert own.recv(1000)
    standin.stop()
    with pytest.raises(ConnectionResetError):
        while own.recv(1000):
            pass
    own.close()
    assert standin.state()["cancelled"] == 0, "no client left"


def test_a_port_that_is_taken_is_an_error(standin: StandIn) -> None:
    with pytest.raises(OSError, match="in use"):
        StandIn(port=standin.port).start()


def test_it_listens_on_the_loopback_address_only(standin: StandIn) -> None:
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", standin.port), timeout=1):
        pass


def test_a_reply_in_many_small_pieces_does_not_wait_for_acknowledgements(standin: StandIn) -> None:
    with closing(HTTPConnection("127.0.0.1", standin.port, timeout=10)) as connection:

        def seconds_of_fifty() -> float:
            started = time.monotonic()
            for _ in range(50):
                assert ask_on(connection, "POST", "/api/pull", {"model": "nano-bert"}).status == 200
            return time.monotonic() - started

        assert stays_below(1.5, seconds_of_fifty), "with Nagle's delay it would be 2 seconds and more"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"400"),
        (b"POST /api/embed HTTP/1.1\r\nHost: a.local\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 2**21, b"431"),
    ],
)
def test_what_is_no_http_is_refused_and_closed(wire: Wire, sent: bytes, status: bytes) -> None:
    own = wire.raw(sent)
    with own:
        assert own.recv(1000).startswith(b"HTTP/1.1 " + status)


def test_chunked_bodies_expectations_and_old_clients_are_served(wire: Wire) -> None:
    def read_all(own: socket.socket) -> bytes:
        got = b""
        with own:
            while piece := own.recv(65536):
                got += piece
        return got

    body = b'{"model":"nano-bert","input":"a"}'
    head = b"POST /api/embed HTTP/1.1\r\nHost: a.local\r\nConnection: close\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n10\r\n%b\r\n11;x=y\r\n%b\r\n0\r\n\r\n" % (body[:16], body[16:])
    assert read_all(wire.raw(chunked)).startswith(b"HTTP/1.1 200 OK")

    expecting = wire.raw(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert expecting.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    expecting.sendall(body)
    assert read_all(expecting).startswith(b"HTTP/1.1 200 OK")

    old = read_all(wire.raw(b"GET /api/version HTTP/1.0\r\n\r\n"))
    assert old.endswith(b'{"version":"0.33.0"}')
    assert b"Connection: close" in old


@pytest.mark.slow
def test_a_process_can_be_killed_frozen_and_restarted_on_its_port() -> None:
    with StandInProcess(["nano-bert"], embed_seconds=0.01) as standin:
        body = {"model": "nano-bert", "input": "a"}
        ask = standin.url + "/api/embed"
        assert requests.post(ask, json=body, timeout=10).status_code == 200
        assert standin.state()["requests"]["embed"] == 1
        assert standin.requests("embed") == [body]
        standin.set(model="nano-bert", embed_seconds=0.02)
        pid = standin.pid
        standin.restart()
        assert standin.pid != pid
        assert standin.state()["knobs"]["nano-bert:latest"] == {"embed_seconds": 0.02}, "knobs are set again"
        assert requests.post(ask, json=body, timeout=10).status_code == 200
        standin.freeze()
        with pytest.raises(requests.ReadTimeout):
            requests.post(ask, json=body, timeout=0.3)
        standin.thaw()
        standin.fail("busy", times=1)
        wait_until(lambda: requests.post(ask, json=body, timeout=10).status_code == 503)
        standin.kill()
        with pytest.raises(requests.ConnectionError):
            requests.post(ask, json=body, timeout=10)


def test_a_signal_that_comes_while_the_main_thread_does_not_notice_ends_it_too() -> None:
    """As one does that comes just before the thread begins to wait; here another thread takes it."""
    script = (
        "import signal, threading\n"
        "from monitoring.lab.ollama_simulator.command_line import serve\n"
        "take = lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "options = {'port': 0, 'control_port': None, 'model': ['nano-bert'], 'fail': [], 'json': True}\n"
        "print(serve(options, lambda text: threading.Timer(1.0, take).start()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "Answered 0 requests, 0 tokens.\n", done.stderr


@pytest.mark.slow
def test_the_command_needs_no_database() -> None:
    command = [sys.executable, "manage.py", "ollama_standin", "--port", "0", "--model", "nano-bert", "--json"]
    nowhere = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    process = subprocess.Popen(
        [*command, "--latency", "0.01", "--fail", "busy,times=1"], cwd=PROJECT, env=nowhere, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    with process.stdout:
        port = json.loads(process.stdout.readline())["port"]
        ask = f"http://127.0.0.1:{port}/api/embed"
        told = [requests.post(ask, json={"model": "nano-bert", "input": "a"}, timeout=10) for _ in range(2)]
        assert [each.status_code for each in told] == [503, 200]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
