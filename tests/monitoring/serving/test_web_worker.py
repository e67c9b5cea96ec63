"""Connections are shared out between the web server's workers, and nobody waits at the door for long."""

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
from monitoring.serving.web_worker import PLACES, EvenThreadWorker, Tally
from ragsite.web.worker import buffering_worker, waiting_connections

LONG_SECONDS = 5.0  # nothing here takes as long


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    """A tally of its own."""
    made = Tally()
    monkeypatch.setattr(web_worker, "tally", made)
    return made


class Door:
    """A listening socket, one worker at it, and who comes."""

    def __init__(self, worker: Any, address: Any, clients: ExitStack) -> None:
        self.worker = worker
        self.accepted: list[Any] = []
        self.address = address
        self._clients = clients
        worker.begin = self.accepted.append

    def knock(self) -> None:
        """Open a connection, and keep it."""
        self._clients.enter_context(socket.create_connection(self.address))

    def turn(self) -> int:
        """Let the worker's main loop go round once, and return how many connections it has taken so far."""
        self.worker.set_accept_enabled(True)  # as the loop does when there is room
        self.worker.wait_for_and_dispatch_events(LONG_SECONDS)
        return len(self.accepted)


@pytest.fixture
def door(tally: Tally) -> Iterator[Door]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        worker = EvenThreadWorker(1, 0, [listener], None, 30, Config(), None)
        worker.tpool = stack.enter_context(ThreadPoolExecutor(1))
        worker.poller = stack.enter_context(DefaultSelector())
        worker.method_queue.init()
        stack.callback(worker.method_queue.close)
        stack.callback(worker.tmp.close)
        worker.poller.register(worker.method_queue.fileno(), EVENT_READ, worker.method_queue.run_callbacks)
        worker.place, worker.booted = 0, True
        worker.nr_conns = 0
        made = Door(worker, listener.getsockname(), stack.enter_context(ExitStack()))
        yield made
        for connection in made.accepted:
            connection.close()


def test_a_worker_that_has_no_more_than_the_others_takes_who_comes_at_once(door: Door, tally: Tally) -> None:
    tally.write(1, 0)
    door.knock()
    assert door.turn() == 1
    assert tally.others(1) == [1]  # it says what it has


def test_one_that_has_more_leaves_a_moment_to_the_others_and_then_takes_it(door: Door, tally: Tally) -> None:
    tally.write(1, 2)
    door.worker.nr_conns = 3
    door.knock()
    assert [door.turn() for _ in range(3)] == [0, 0, 1]  # it sees somebody, waits, takes


def test_it_waits_for_each_anew(door: Door, tally: Tally) -> None:
    tally.write(1, 0)
    door.worker.nr_conns = 1
    door.knock()
    door.knock()
    assert [door.turn() for _ in range(6)] == [0, 0, 1, 1, 1, 2]


def test_also_when_another_worker_took_the_one_it_waited_for(door: Door, tally: Tally) -> None:
    tally.write(1, 0)
    door.worker.nr_conns = 1
    door.knock()
    assert [door.turn(), door.turn()] == [0, 0]
    door.worker.sockets[0].accept()[0].close()
    door.worker.method_queue.defer(lambda: None)  # something else happens
    assert door.turn() == 0
    door.knock()
    assert [door.turn() for _ in range(3)] == [0, 0, 1]


def test_while_the_others_take_connections_it_leaves_them_more(door: Door, tally: Tally) -> None:
    tally.write(1, 0)
    door.worker.nr_conns = 3
    door.knock()
    assert [door.turn(), door.turn()] == [0, 0]
    tally.write(1, 1)
    assert [door.turn() for _ in range(3)] == [0, 0, 1]


def test_what_else_happens_in_that_moment_is_attended_to(door: Door, tally: Tally) -> None:
    happened: list[int] = []
    tally.write(1, 0)
    door.worker.nr_conns = 1
    door.knock()
    assert door.turn() == 0
    door.worker.method_queue.defer(happened.append, 1)
    assert (door.turn(), happened) == (0, [1])


def test_it_waits_no_longer_than_its_moment(door: Door, tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    tally.write(1, 0)
    door.worker.nr_conns = 1
    door.knock()
    select = door.worker.poller.select

    def noting(timeout: float) -> Any:
        waits.append(timeout)
        return select(timeout)

    monkeypatch.setattr(door.worker.poller, "select", noting)
    assert [door.turn() for _ in range(3)] == [0, 0, 1]
    assert (waits[0], waits[1] <= web_worker.PAUSE_SECONDS, waits[2]) == (LONG_SECONDS, True, LONG_SECONDS)


@pytest.mark.parametrize("how", ["told to stop", "with its last connection ended", "gone"])
def test_a_worker_that_takes_nothing_any_more_is_not_waited_for(door: Door, tally: Tally, how: str) -> None:
    other = EvenThreadWorker(2, 0, [], None, 30, Config(), None)
    other.place, other.booted = 1, True
    other.method_queue.init()
    other.nr_conns = 0
    if how == "gone":
        web_worker.take_place_back(other)
    else:
        other.handle_exit(signal.SIGTERM, None)
    if how == "with its last connection ended":
        other.nr_conns = 0
    other.method_queue.close()
    other.tmp.close()
    door.worker.nr_conns = 5
    door.knock()
    assert door.turn() == 1


def test_a_worker_that_starts_is_waited_for_before_its_first_connection(tally: Tally, door: Door) -> None:
    other = EvenThreadWorker(2, 0, [], None, 30, Config(), None)
    other.place, other.booted = 1, True
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


def test_each_worker_has_a_place_of_its_own_and_a_new_one_gets_a_free_one(tally: Tally) -> None:
    server = SimpleNamespace(WORKERS={})
    workers = [SimpleNamespace() for _ in range(PLACES + 1)]
    for number, worker in enumerate(workers):
        web_worker.give_place(server, worker)
        server.WORKERS[number] = worker
    assert [worker.place for worker in workers] == [*range(PLACES), None]
    del server.WORKERS[7]
    newcomer = SimpleNamespace()
    web_worker.give_place(server, newcomer)
    assert newcomer.place == 7
    web_worker.take_place_back(workers[-1])  # it had none


def test_one_without_a_place_works_and_says_nothing(door: Door, tally: Tally) -> None:
    tally.leave(0)
    door.worker.place = None
    door.knock()
    assert door.turn() == 1
    assert tally.others(None) == []


def test_an_address_has_so_many_connections_and_is_told_when_there_are_more(
    door: Door, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffering_worker, "connections_per_address", 2)
    monkeypatch.setattr(waiting_connections, "_group_of", lambda host: host)  # as if we were not on this machine
    clients = [socket.create_connection(door.address) for _ in range(3)]
    while door.turn() < 2:
        pass
    door.turn()
    assert clients[2].recv(1000).startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    clients[2].close()
    door.turn()
    door.worker._drop(door.accepted.pop())
    door.knock()
    assert door.turn() == 2
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


def test_when_the_system_has_no_room_the_one_that_has_waited_longest_goes(door: Door, tally: Tally) -> None:
    door.worker.begin = lambda connection: EvenThreadWorker.begin(door.worker, connection)
    first, second = (socket.create_connection(door.address) for _ in range(2))
    while door.worker.nr_conns < 2:
        door.turn()
    door.worker._cannot_accept(OSError(errno.EMFILE, "too many open files"))
    assert door.worker.nr_conns == 1
    first.settimeout(5)
    assert first.recv(1) == b""
    assert not door.worker._accepting
    with pytest.raises(OSError, match="broken"):
        door.worker._cannot_accept(OSError(errno.EBADF, "broken"))
    door.worker.murder_keepalived(force=True)
    for client in (first, second):
        client.close()


def test_with_hundreds_of_connections_a_few_more_are_even_enough(door: Door, tally: Tally) -> None:
    tally.write(1, 80)
    door.worker.nr_conns = 90
    door.knock()
    assert door.turn() == 1
    door.knock()
    assert [door.turn() for _ in range(3)] == [1, 1, 2]
