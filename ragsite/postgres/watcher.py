"""Stops an embedded Postgres when the last process that uses it is gone, however it ended. A separate program.

A process that ends in good order stops the server itself; this program is for processes that were killed. It waits for
a lock that the kernel grants when no process is left, so it uses no CPU; it imports little, so it uses little memory.
"""

import fcntl
import os
import signal
import sys
import time

STOP_SECONDS = 120  # it writes everything down first


def watch(users: str, lock: str, directory: str) -> None:
    """Wait until nobody holds `users`, and stop the server of `directory` then, unless it was stopped already."""
    while True:
        with open(users, "rb") as file:  # noqa: PTH123 - pathlib would double the memory
            fcntl.flock(file, fcntl.LOCK_EX)
        # A new process takes `lock` first; the other order here would be a deadlock.
        with open(lock, "rb") as exclusive:  # noqa: PTH123
            fcntl.flock(exclusive, fcntl.LOCK_EX)
            with open(users, "rb") as file:  # noqa: PTH123
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                stop(directory)
                return


def stop(directory: str) -> None:
    """Tell the server to end all connections and stop, and wait for it."""
    with open(directory + "/postmaster.pid") as file:  # noqa: PTH123
        pid = int(file.readline())
    give_up_at = time.monotonic() + STOP_SECONDS
    os.kill(pid, signal.SIGINT)
    while time.monotonic() < give_up_at:
        os.kill(pid, 0)
        time.sleep(0.1)


if __name__ == "__main__":
    try:
        watch(*sys.argv[1:4])
    except (FileNotFoundError, ProcessLookupError, ValueError):
        sys.exit()  # there is no server, or nothing left of it
