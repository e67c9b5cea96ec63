"""Full disk: of VAR_DIR, of the uploads and of the embedded database, all at once."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from monitoring.lab.testbed.client import Asking
from monitoring.lab.testbed.corpus import CORPUS
from monitoring.lab.testbed.invariants import Invariant, at_most, holds, none_of, of_replies
from monitoring.lab.testbed.load import Clients
from monitoring.lab.testbed.observer import everything_returned, wait_for
from monitoring.lab.testbed.serving import ServerProcess
from monitoring.lab.testbed.small_disk import SmallDisk, small_disk, why_not
from monitoring.lab.testbed.stage import Skipped, Stage

DISK_MEGABYTES = 640
FLOOR_BYTES = 160 * 2**20
QUERY, STREAM, SEARCH, CACHED = Asking(), Asking(stream=True), Asking(path="/api/v1/search"), Asking(use_cache=True)


def disk_full(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Fill the one disk that holds VAR_DIR, uploads, metrics, logs and the database, and make room again."""
    if reason := why_not():
        raise Skipped(reason)
    try:
        mounted = small_disk(stage.folder / "small", DISK_MEGABYTES)
        disk = mounted.__enter__()
    except OSError as error:
        raise Skipped(f"a small disk can't be mounted here ({error}): allow it with --cap-add SYS_ADMIN") from None
    try:
        with Stage(parent=disk.folder) as small:
            yield from _fill(small, disk, seconds=30.0 if full else 5.0)
    finally:
        mounted.__exit__(None, None, None)


def _fill(small: Stage, disk: SmallDisk, *, seconds: float) -> Iterator[Invariant]:
    key = _key(small)
    (small.folder / "metrics").mkdir()
    with (
        small.standin() as standin,
        # Metrics lie in memory, unless an operator says otherwise: here, where it is worst.
        small.serving(
            standin, FREE_DISK_FLOOR_BYTES=FLOOR_BYTES, PROMETHEUS_MULTIPROC_DIR=small.folder / "metrics"
        ) as (server, clients),
    ):
        workers = [worker.pid for worker in server.workers]
        status, _ = _upload(server, key)
        yield holds("an upload while there is room", status == 202, status, "202")
        disk.leave(FLOOR_BYTES // 2)
        yield from _refused(server, key, "below the floor")
        yield from _answers(server, clients, seconds, "below the floor")
        disk.leave(0)
        yield at_most("bytes free", disk.free_bytes, 4096)
        yield from _refused(server, key, "on a full disk")
        yield from _answers(server, clients, seconds, "on a full disk")
        now = [worker.pid for worker in server.workers]
        yield none_of("workers that ended", sum(pid not in now for pid in workers))
        disk.clear()
        stored = wait_for(lambda: _upload(server, key)[0] == 202, 20)
        yield at_most("an upload once there is room again", stored, 20, "s")
        yield from of_replies([clients.ask(asking) for asking in (QUERY, STREAM, CACHED)], all_good=True)
        yield holds("ready", server.get("/health/ready")[0] == 200)
        yield from everything_returned(server, standin)


def _answers(server: ServerProcess, clients: Clients, seconds: float, when: str) -> Iterator[Invariant]:
    run = clients.steady(10, QUERY, STREAM, SEARCH, CACHED)
    time.sleep(seconds)
    for path in ("/health/live", "/health", "/metrics"):
        status = server.get(path)[0]
        yield holds(f"{path} {when}", status == 200, status, "200")
    for invariant in of_replies(run.finish(), all_good=True):
        yield Invariant(f"{invariant.name} {when}", invariant.passed, invariant.figure, invariant.target)


def _refused(server: ServerProcess, key: str, when: str) -> Iterator[Invariant]:
    status, problem = _upload(server, key)
    yield holds(f"an upload {when}", status == 507, status, "507")
    yield holds("... says why", problem.get("code") == "storage_full", problem.get("detail", ""), "storage_full")


def _upload(server: ServerProcess, key: str) -> tuple[int, dict[str, str]]:
    """Return status and reply of an upload of a new file."""
    name = secrets.token_hex(8)
    parts = [
        f'--{name}\r\nContent-Disposition: form-data; name="corpus"\r\n\r\n{CORPUS}\r\n',
        f'--{name}\r\nContent-Disposition: form-data; name="file"; filename="{name}.txt"\r\n\r\n',
        f"The barge {name} is moored at the third quay.\r\n--{name}--\r\n",
    ]
    request = Request(  # noqa: S310 - our own address
        f"{server.url}/api/v1/documents",
        data="".join(parts).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": f"multipart/form-data; boundary={name}"},
    )
    try:
        with urlopen(request, timeout=20) as reply:  # noqa: S310 - our own address
            return int(reply.status), {}
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"{}")


def _key(small: Stage) -> str:
    """Return the API key of an administrator of the stage."""
    password = secrets.token_urlsafe(16)
    small.manage(
        "createsuperuser", "--noinput", "--username", "drill", "--email", "", DJANGO_SUPERUSER_PASSWORD=password
    )
    return small.manage("create_api_key", "drill", "--scope", "ingest").strip()
