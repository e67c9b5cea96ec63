"""Whatever a file makes its reader do: nothing of ours is within reach. Each attempt is made in the real child."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings

from documents.extraction.process import fences, landlock
from tests.documents.extraction.reading import MISBEHAVING, read_in_child, running_children

EXPECTED = fences.expected()


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip where none of these fences can stand."""
    why = "; ".join(f"{name} {fences.FENCES[name]}" for name in names)
    return pytest.mark.skipif(not set(names) & set(EXPECTED), reason=why)


def attempt(deed: str, argument: object = "") -> str:
    return read_in_child(f"{deed} {argument}".encode(), child=MISBEHAVING).text


def refused(deed: str, argument: object = "") -> bool:
    return attempt(deed, argument).startswith("refused")


@needs("files")
def test_the_secret_key_and_uploads_can_not_be_read(tmp_path: Path) -> None:
    upload = tmp_path / "media" / "documents" / "upload"
    upload.parent.mkdir(parents=True)
    upload.write_text("another tenant's")
    key = Path(django_settings.VAR_DIR) / "secret_key"
    if not key.exists():
        key.write_text("a key")
    for path in (key, upload):
        mode = path.stat().st_mode
        path.chmod(0o644)  # so that it is not the file's mode that keeps it
        try:
            assert refused("read", path)
            assert refused("list", path.parent)
        finally:
            path.chmod(mode)


@needs("files", "own user")
@pytest.mark.parametrize("name", ["environ", "mem", "maps", "cmdline", "fd"])
def test_the_parent_can_not_be_looked_at(name: str) -> None:
    for pid in (os.getpid(), os.getppid(), 1):
        assert refused("list" if name == "fd" else "read", f"/proc/{pid}/{name}")


@needs("files")
@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/status", "/proc/self/environ", "/dev/zero"])
def test_nothing_but_code_can_be_read(path: str) -> None:
    assert refused("read", path)


@needs("system calls", "files")
def test_no_file_is_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    there = tmp_path / "there"
    there.write_text("stays")
    there.chmod(0o666)

    assert refused("write", tmp_path / "new")
    assert refused("append", there)
    assert refused("remove", there)
    assert there.read_text() == "stays"
    assert refused("write", "/dev/null")


@needs("system calls")
def test_no_unix_socket_can_be_opened_and_so_not_that_of_the_database(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0o777)
        assert refused("connect-unix", path)
    host = parse_qs(urlsplit(os.environ["DATABASE_URL"]).query).get("host", [""])[0]
    if host:
        for path in Path(host).glob(".s.PGSQL.*[0-9]"):
            assert refused("connect-unix", path)


@needs("network", "system calls")
def test_no_address_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert refused("connect", f"127.0.0.1:{server.getsockname()[1]}")


@needs("system calls")
@pytest.mark.parametrize("family", [1, 2, 10, 16, 17, 38, 40])  # Unix, IP, IPv6, netlink, packets, crypto, vsock
def test_no_socket_of_any_kind_can_be_made(family: int) -> None:
    assert refused("socket", family)


@needs("system calls", "signals")
def test_other_processes_are_out_of_reach() -> None:
    for pid in (os.getpid(), os.getppid(), 1):
        for deed in ("attach", "read-memory", "signal", "priority"):
            assert refused(deed, pid), (deed, pid)


@needs("system calls")
@pytest.mark.parametrize("deed", ["fork", "bomb", "thread"])
def test_no_process_and_no_thread_can_be_started(deed: str) -> None:
    assert refused(deed)
    assert running_children() == []


@needs("system calls")
def test_no_other_program_can_be_run() -> None:
    assert refused("execute", sys.executable)


def test_no_environment_and_no_descriptor_is_inherited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    opened = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(opened, True)
    try:
        assert "secret" not in attempt("environment").lower()
        assert attempt("descriptors") == "[0, 1, 2, 3]"
    finally:
        os.close(opened)


@needs("own user")
def test_it_runs_as_a_user_that_nothing_belongs_to() -> None:
    assert min(map(int, attempt("user").split())) >= fences.NOBODY


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_the_process_that_starts_it_hides_its_memory_and_environment() -> None:
    done = _run(
        "import os, ctypes; from documents.extraction.process.runner import _server;"
        "before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0); _server('documents.extraction.process.child');"
        "print(before, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    assert done.split() == ["1", "0"]


@pytest.mark.skipif(not landlock.version(), reason="needs Landlock")
def test_landlock_alone_keeps_files_and_addresses_out_of_reach(tmp_path: Path) -> None:
    """Without a user of its own and without a filter of system calls."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = _run(
            "import ctypes, socket; from pathlib import Path;"
            "from documents.extraction.process import fences, landlock;"
            "ctypes.CDLL(None).prctl(38, 1, 0, 0, 0); print(landlock.confine(fences.code_folders()) > 0)\n"
            "def outcome(action):\n"
            "    try:\n        action()\n    except PermissionError:\n        return 'refused'\n    return 'allowed'\n"
            f"print(outcome(lambda: Path({str(secret)!r}).read_text()))\n"
            f"print(outcome(lambda: Path({str(secret)!r}).write_text('x')))\n"
            f"print(outcome(lambda: socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))))\n"
            "print(outcome(lambda: Path(fences.__file__).read_text()))"
        )
    network = "refused" if landlock.version() >= landlock.TCP_VERSION else "allowed"
    assert done.split() == ["True", "refused", "refused", network, "allowed"]


@needs("system calls")
def test_the_filter_alone_keeps_sockets_processes_and_writing_out_of_reach(tmp_path: Path) -> None:
    """Without Landlock and as the same user."""
    done = _run(
        "import ctypes, os, socket; from pathlib import Path; from documents.extraction.process import seccomp;"
        "ctypes.CDLL(None).prctl(38, 1, 0, 0, 0); print(seccomp.filter_calls())\n"
        "def outcome(action):\n"
        "    try:\n        action()\n    except OSError:\n        return 'refused'\n    return 'allowed'\n"
        "print(outcome(os.fork)); print(outcome(lambda: socket.socket(socket.AF_UNIX)))\n"
        f"print(outcome(lambda: Path({str(tmp_path / 'new')!r}).write_text('x')))\n"
        "print(outcome(lambda: os.kill(os.getppid(), 0))); print(outcome(lambda: Path('/etc/passwd').read_text()))"
    )
    assert done.split() == ["True", "refused", "refused", "refused", "refused", "allowed"]


def test_the_line_about_the_fences_names_those_that_are_missing() -> None:
    line = fences.describe(["files", "privileges"])

    assert "behind these fences: files, privileges; missing: own user (needs root), network" in line
    assert "missing" not in fences.describe(list(fences.FENCES))


def test_all_fences_that_this_machine_can_have_are_up() -> None:
    """What the process says of itself, and what is expected of the machine, is the same."""
    done = _run(
        "import logging; logging.basicConfig(level='INFO', format='%(message)s');"
        "from documents.extraction.process import runner; runner._server('documents.extraction.process.child')"
    )
    assert fences.describe(EXPECTED) in done


def _run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout + done.stderr
