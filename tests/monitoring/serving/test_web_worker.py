"""Connections are shared evenly between the workers of the web server, and no client waits long for one."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from selectors import EVENT_READ, DefaultSelector
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from monitoring.serving import web_worker
from monitoring.serving.web_worker import SLOTS, EvenThreadWorker, Tally
from ragsite.web.worker import buffering_worker, waiting_connections

LONG_SECONDS = 5.0  # nothing here takes as long


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    """A tally of its own."""
    made = Tally()
    monkeypatch.setattr(web_worker, "tally", made)
    return made


class Endpoint:
    """A listening socket with one worker, and the connections that it accepts."""

    def __init__(self, worker: Any, address: Any, clients: ExitStack) -> None:
        self.worker = worker
        self.accepted: list[Any] = []
        self.address = address
        self._clients = clients
        worker.begin = self.accepted.append

    def connect(self) -> None:
        """Open a connection, and keep it."""
        self._clients.enter_context(socket.create_connection(self.address))

    def run_once(self) -> int:
        """Run one round of the main loop, and return the number of connections accepted so far."""
        self.worker.set_accept_enabled(True)  # as the loop does when there is room
        self.worker.wait_for_and_dispatch_events(LONG_SECONDS)
        return len(self.accepted)


@pytest.fixture
def endpoint(tally: Tally) -> Iterator[Endpoint]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        worker = EvenThreadWorker(1, 0, [listener], None, 30, Config(), None)
        worker.tpool = stack.enter_context(ThreadPoolExecutor(1))
        worker.poller = stack.enter_context(DefaultSelector())
        worker.method_queue.init()
        stack.callback(worker.method_queue.close)
        stack.callback(worker.tmp.close)
        worker.poller.register(worker.method_queue.fileno(), EVENT_READ, worker.method_queue.run_callbacks)
        worker.slot, worker.booted = 0, True
        worker.nr_conns = 0
        made = Endpoint(worker, listener.getsockname(), stack.enter_context(ExitStack()))
        yield made
        for connection in made.accepted:
            connection.close()


def test_a_worker_that_has_no_more_than_the_others_accepts_at_once(endpoint: Endpoint, tally: Tally) -> None:
    tally.write(1, 0)
    endpoint.connect()
    assert endpoint.run_once() == 1
    assert tally.others(1) == [1]  # it says what it has


def test_a_worker_that_has_more_pauses_once_and_then_accepts(endpoint: Endpoint, tally: Tally) -> None:
    tally.write(1, 2)
    endpoint.worker.nr_conns = 3
    endpoint.connect()
    assert [endpoint.run_once() for _ in range(3)] == [0, 0, 1]  # it sees somebody, waits, takes


def test_it_pauses_for_each_connection(endpoint: Endpoint, tally: Tally) -> None:
    tally.write(1, 0)
    endpoint.worker.nr_conns = 1
    endpoint.connect()
    endpoint.connect()
    assert [endpoint.run_once() for _ in range(6)] == [0, 0, 1, 1, 1, 2]


def test_it_pauses_again_when_another_worker_accepted_the_connection(endpoint: Endpoint, tally: Tally) -> None:
    tally.write(1, 0)
    endpoint.worker.nr_conns = 1
    endpoint.connect()
    assert [endpoint.run_once(), endpoint.run_once()] == [0, 0]
    endpoint.worker.sockets[0].accept()[0].close()
    endpoint.worker.method_queue.defer(lambda: None)  # something else happens
    assert endpoint.run_once() == 0
    endpoint.connect()
    assert [endpoint.run_once() for _ in range(3)] == [0, 0, 1]


def test_while_the_others_accept_it_goes_on_pausing(endpoint: Endpoint, tally: Tally) -> None:
    tally.write(1, 0)
    endpoint.worker.nr_conns = 3
    endpoint.connect()
    assert [endpoint.run_once(), endpoint.run_once()] == [0, 0]
    tally.write(1, 1)
    assert [endpoint.run_once() for _ in range(3)] == [0, 0, 1]


def test_other_events_are_handled_during_the_pause(endpoint: Endpoint, tally: Tally) -> None:
    happened: list[int] = []
    tally.write(1, 0)
    endpoint.worker.nr_conns = 1
    endpoint.connect()
    assert endpoint.run_once() == 0
    endpoint.worker.method_queue.defer(happened.append, 1)
    assert (endpoint.run_once(), happened) == (0, [1])


def test_it_waits_no_longer_than_the_pause(endpoint: Endpoint, tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    tally.write(1, 0)
    endpoint.worker.nr_conns = 1
    endpoint.connect()
    select = endpoint.worker.poller.select

    def noting(timeout: float) -> Any:
        waits.append(timeout)
        return select(timeout)

    monkeypatch.setattr(endpoint.worker.poller, "select", noting)
    assert [endpoint.run_once() for _ in range(3)] == [0, 0, 1]
    assert (waits[0], waits[1] <= web_worker.PAUSE_SECONDS, waits[2]) == (LONG_SECONDS, True, LONG_SECONDS)


@pytest.mark.parametrize("how", ["told to stop", "with its last connection ended", "gone"])
def test_a_worker_that_accepts_nothing_any_more_is_not_counted(endpoint: Endpoint, tally: Tally, how: str) -> None:
    other = EvenThreadWorker(2, 0, [], None, 30, Config(), None)
    other.slot, other.booted = 1, True
    other.method_queue.init()
    other.nr_conns = 0
    if how == "gone":
        web_worker.release_slot(other)
    else:
        other.handle_exit(signal.SIGTERM, None)
    if how == "with its last connection ended":
        other.nr_conns = 0
    other.method_queue.close()
    other.tmp.close()
    endpoint.worker.nr_conns = 5
    endpoint.connect()
    assert endpoint.run_once() == 1


def test_a_worker_that_starts_is_counted_before_its_first_connection(tally: Tally, endpoint: Endpoint) -> None:
    other = EvenThreadWorker(2, 0, [], None, 30, Config(), None)
    other.slot, other.booted = 1, True
    other.method_queue.init()
    other.poller = DefaultSelector()
    other.tpool = ThreadPoolExecutor(1)
    other.alive = True
    seen: list[list[int]] = []
    other.notify = lambda: seen.append(tally.others(0))
    other.is_parent_alive = lambda: False  # one round is enough
    other.method_queue.defer(lambda: None)
    other.run()
    other.tmp.close()
    assert seen[0] == [0]


def test_each_worker_has_a_slot_of_its_own_and_a_new_one_gets_a_free_one(tally: Tally) -> None:
    server = SimpleNamespace(WORKERS={})
    workers = [SimpleNamespace() for _ in range(SLOTS + 1)]
    for number, worker in enumerate(workers):
        web_worker.assign_slot(server, worker)
        server.WORKERS[number] = worker
    assert [worker.slot for worker in workers] == [*range(SLOTS), None]
    del server.WORKERS[7]
    newcomer = SimpleNamespace()
    web_worker.assign_slot(server, newcomer)
    assert newcomer.slot == 7
    web_worker.release_slot(workers[-1])  # it had none


def test_a_worker_without_a_slot_serves_and_is_not_counted(endpoint: Endpoint, tally: Tally) -> None:
    tally.clear(0)
    endpoint.worker.slot = None
    endpoint.connect()
    assert endpoint.run_once() == 1
    assert tally.others(None) == []


def test_an_address_has_so_many_connections_and_is_told_when_there_are_more(
    endpoint: Endpoint, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffering_worker, "connections_per_address", 2)
    monkeypatch.setattr(waiting_connections, "_group_of", lambda host: host)  # as if we were not on this machine
    clients = [socket.create_connection(endpoint.address) for _ in range(3)]
    while endpoint.run_once() < 2:
        pass
    endpoint.run_once()
    assert clients[2].recv(1000).startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    clients[2].close()
    endpoint.run_once()
    endpoint.worker._drop(endpoint.accepted.pop())
    endpoint.connect()
    assert endpoint.run_once() == 2
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("client", "group"),
    [
        (("127.0.0.1", 1), ""),
        (("::1", 1, 0, 0), ""),
        (("::ffff:127.0.0.1", 1, 0, 0), ""),
        ("", ""),  # of a Unix socket
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:db8:1:2:3::4", 1, 0, 0), "2001:0db8:0001:0002"),
        (("fe80::1%eth0", 1, 0, 2), "fe80:0000:0000:0000"),
    ],
)
def test_whose_connections_are_counted_together(client: Any, group: str) -> None:
    assert waiting_connections._group_of_client(client) == group


def test_when_the_system_has_no_room_the_one_that_has_waited_longest_goes(endpoint: Endpoint, tally: Tally) -> None:
    endpoint.worker.begin = lambda connection: EvenThreadWorker.begin(endpoint.worker, connection)
    first, second = (socket.create_connection(endpoint.address) for _ in range(2))
    while endpoint.worker.nr_conns < 2:
        endpoint.run_once()
    endpoint.worker._cannot_accept(OSError(errno.EMFILE, "too many open files"))
    assert endpoint.worker.nr_conns == 1
    first.settimeout(5)
    assert first.recv(1) == b""
    assert not endpoint.worker.is_listening
    with pytest.raises(OSError, match="broken"):
        endpoint.worker._cannot_accept(OSError(errno.EBADF, "broken"))
    endpoint.worker.murder_keepalived(force=True)
    for client in (first, second):
        client.close()


def test_with_hundreds_of_connections_a_few_more_are_even_enough(endpoint: Endpoint, tally: Tally) -> None:
    tally.write(1, 80)
    endpoint.worker.nr_conns = 90
    endpoint.connect()
    assert endpoint.run_once() == 1
    endpoint.connect()
    assert [endpoint.run_once() for _ in range(3)] == [1, 1, 2]
