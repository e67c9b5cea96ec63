"""Small load generator that runs as a process: `python -m monitoring.lab.benchmarks.load.generator < plan.json`.

Plain sockets and one selector, so that a request costs it some 60 us whatever the server is, and 500 streams stay
cheap. It reads a plan (see loading.py) from stdin and writes what came of every request to stdout, both as JSON.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any

READ_BYTES = 262_144
LAST_CHUNK = b"\r\n0\r\n\r\n"
# Of an outcome: started, first token or None, ended (seconds since the start), status, is good, number of the request.
Record = tuple[float, float | None, float, int, bool, int]


class Client:
    """One client: connects, sends its request's steps one after the other, and begins the next request."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.socket: socket.socket | None = None
        self.number = 0
        self.steps: list[bytes] = []
        self.step = 0
        self.started_at = 0.0
        self.first_token_at: float | None = None
        self.is_reused = False
        self.received = bytearray()
        self.head_end = 0
        self.length: int | None = None  # of head and body; None: chunked
        self.outgoing = b""

    def begin(self, number: int) -> None:
        """Send the request of this number."""
        self.number, self.steps, self.step = number, self.load.requests[number], 0
        self.started_at, self.first_token_at = time.monotonic(), None
        self.send_step()

    def send_step(self) -> None:
        """Send the next step, on the open connection if there is one."""
        self.received.clear()
        self.head_end = 0
        self.outgoing = self.steps[self.step]
        self.is_reused = self.socket is not None
        if self.socket is None:
            self.connect()
        else:
            self.on_writable()

    def connect(self) -> None:
        """Open a connection, without waiting for it."""
        self.is_reused = False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(self.load.address)
        self.load.selector.register(self.socket, selectors.EVENT_WRITE, self)

    def disconnect(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            if self.socket in self.load.selector.get_map():
                self.load.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def on_writable(self) -> None:
        """Send what is left of the step, then listen."""
        assert self.socket is not None
        try:
            self.outgoing = self.outgoing[self.socket.send(self.outgoing) :]
        except BlockingIOError:
            pass
        except OSError:
            self.lost()
            return
        wanted = selectors.EVENT_WRITE if self.outgoing else selectors.EVENT_READ
        known = self.load.selector.get_map()
        if self.socket in known:
            if known[self.socket].events != wanted:
                self.load.selector.modify(self.socket, wanted, self)
        else:
            self.load.selector.register(self.socket, wanted, self)

    def on_readable(self) -> None:
        """Take what came; go on when the reply is complete."""
        assert self.socket is not None
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.lost()
            return
        seen = len(self.received)
        self.received += data
        if not self.head_end and not self.read_head():
            return
        is_last = self.step == len(self.steps) - 1
        if is_last and self.first_token_at is None:
            marker = self.load.first_token
            if self.received.find(marker, max(self.head_end, seen - len(marker))) >= 0:
                self.first_token_at = time.monotonic()
        if self.is_complete():
            self.next_step(is_last)

    def read_head(self) -> bool:
        """Return whether the head of the reply is complete, and note what it says of the body's length."""
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        self.head_end = end + 4
        head = bytes(self.received[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        self.length = None if at < 0 else self.head_end + int(head[at + 17 :].split(b"\r\n", 1)[0])
        return True

    def is_complete(self) -> bool:
        """Return whether all of the reply is there."""
        if self.length is not None:
            return len(self.received) >= self.length
        return self.received.endswith(LAST_CHUNK)

    def next_step(self, is_last: bool) -> None:
        """Go on after a complete reply."""
        status = int(self.received[9:12])
        if not self.load.keep_alive or b"\r\nconnection: close" in self.received[: self.head_end].lower():
            self.disconnect()
        if status != 200 or is_last:
            self.load.ended(self, status, status == 200 and self.is_good())
        else:
            self.step += 1
            self.send_step()

    def is_good(self) -> bool:
        """Return whether the reply has all that a good one has, in this order."""
        at = self.head_end
        for wanted in self.load.good:
            at = self.received.find(wanted, at)
            if at < 0:
                return False
        return True

    def lost(self) -> None:
        """The connection broke. One that was kept alive may be closed by the server at any time: ask again, once."""
        self.disconnect()
        if self.is_reused and not self.received:
            self.load.reconnected += 1
            self.outgoing = self.steps[self.step]
            self.connect()
        else:
            self.load.ended(self, 0, False)


class Load:
    """All clients."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.address = (plan["host"], plan["port"])
        self.keep_alive = bool(plan["keep_alive"])
        self.first_token = plan["first_token"].encode()
        self.good = [text.encode() for text in plan["good"]]
        self.requests = [[self.encoded(*step) for step in steps] for steps in plan["requests"]]
        self.selector = selectors.DefaultSelector()
        self.records: list[Record] = []
        self.reconnected = 0
        self.begun = 0
        self.open = 0
        self.clients = int(plan["clients"])
        self.count: int | None = plan["count"]
        self.seconds: float | None = plan["seconds"]
        self.ramp_seconds = float(plan["ramp_seconds"])
        self.patience_seconds = float(plan["patience_seconds"])
        self.started_at = 0.0

    def encoded(self, method: str, path: str, body: str) -> bytes:
        """Return the bytes of one request."""
        host, port = self.address
        content = body.encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\n"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        return f"{head}Connection: {'keep-alive' if self.keep_alive else 'close'}\r\n\r\n".encode() + content

    def run(self) -> None:
        """Run until every request has its outcome, or patience is at its end."""
        self.started_at = time.monotonic()
        waiting = [Client(self) for _ in range(self.clients)]
        total = len(waiting)
        give_up_at = self.started_at + (self.seconds or 0) + self.ramp_seconds + self.patience_seconds
        while waiting or self.open:
            passed = time.monotonic() - self.started_at
            while waiting and passed >= (total - len(waiting)) / total * self.ramp_seconds:
                self.begin_next(waiting.pop())
            for key, events in self.selector.select(0.01 if waiting else 1.0):
                client: Client = key.data
                if events & selectors.EVENT_WRITE:
                    client.on_writable()
                else:
                    client.on_readable()
            if time.monotonic() > give_up_at:
                for key in list(self.selector.get_map().values()):
                    self.ended(key.data, 0, False)
                break

    def begin_next(self, client: Client) -> None:
        """Let the client ask again, unless time or number is used up."""
        if self.count is not None and self.begun >= self.count:
            return
        if self.seconds is not None and time.monotonic() - self.started_at >= self.seconds:
            return
        number = self.begun % len(self.requests)
        self.begun += 1
        self.open += 1
        client.begin(number)

    def ended(self, client: Client, status: int, is_good: bool) -> None:
        """Note the outcome of a request, and begin the next one."""
        now, zero = time.monotonic(), self.started_at
        first = None if client.first_token_at is None else client.first_token_at - zero
        self.records.append((client.started_at - zero, first, now - zero, status, is_good, client.number))
        self.open -= 1
        if client.socket is not None and status == 0:
            client.disconnect()
        self.begin_next(client)


def most_memory_bytes() -> int:
    """Return the resident memory of this process at its most.

    Not Linux' ru_maxrss: that begins with the memory of the process that started this one.
    """
    told = Path("/proc/self/status")
    if told.exists():
        for line in told.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Run the plan on stdin, and tell on stdout what came of it."""
    load = Load(json.load(sys.stdin))
    before = resource.getrusage(resource.RUSAGE_SELF)
    load.run()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {
        "records": load.records,
        "pid": os.getpid(),
        "cpu_seconds": cpu_seconds,
        "memory_bytes": most_memory_bytes(),
        "reconnected": load.reconnected,
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
