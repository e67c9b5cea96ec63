"""What can run the peer, and what is said of the rest."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring.lab.benchmarks.peer import packages
from monitoring.lab.benchmarks.peer.packages import (
    PACKAGES,
    PeerUnusable,
    environment_of_others,
    installed,
    interpreter_at,
    pip_line,
)
from ragsite.paths import PROJECT
from tests.monitoring.lab.benchmarks.peer.interpreters import program, telling


def test_an_interpreter_with_all_packages_is_known_by_its_versions(tmp_path: Path) -> None:
    found = interpreter_at(telling(tmp_path))
    assert found.versions == {"Python": "3.11.7", **PACKAGES}
    assert f"langchain-postgres {PACKAGES['langchain-postgres']}" in found.note


def test_an_interpreter_is_found_from_where_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = telling(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert interpreter_at("./interpreter").path == path
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.chdir("/")
    assert interpreter_at("interpreter").path == path


def test_missing_packages_are_named_with_the_command_that_installs_them(tmp_path: Path) -> None:
    path = telling(tmp_path, without=("fastapi", "asyncpg"))
    with pytest.raises(PeerUnusable) as told:
        interpreter_at(path)
    assert f"{path} has no fastapi, asyncpg;" in str(told.value)
    assert pip_line(path) in str(told.value)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["exit 3"], r"is no Python interpreter \(exit code 3\)$"),
        (["echo 'unknown option' >&2", "exit 1"], r"\(exit code 1\): unknown option"),
        (["echo hello"], r"\(exit code 0\): hello"),
        (["echo '[1]'"], "is no Python interpreter"),
        (["""echo '{"packages": {}}'""", "exit 1"], "is no Python interpreter"),
    ],
)
def test_a_program_that_is_no_python_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(PeerUnusable, match=message):
        interpreter_at(program(tmp_path, *lines))


def test_what_is_not_there_or_no_program_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(PeerUnusable, match="No such file"):
        interpreter_at("/no/such/python")
    with pytest.raises(PeerUnusable, match="Permission denied"):
        interpreter_at(str(tmp_path))


def test_a_program_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(PeerUnusable, match="said nothing"):
        interpreter_at(program(tmp_path, "exec sleep 60"))


def test_a_real_interpreter_tells_what_it_has() -> None:
    done = subprocess.run([sys.executable, packages.__file__], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"python": platform.python_version(), "packages": installed()}


def test_another_interpreter_is_not_shown_to_our_packages() -> None:
    ours = {"PYTHONPATH": "/ours", "PYTHONHOME": "/ours", "VIRTUAL_ENV": "/ours", "PATH": "/bin"}
    assert environment_of_others(ours) == {"PATH": "/bin"}


def test_the_documentation_has_the_same_versions() -> None:
    text = (PROJECT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert pip_line("peer/bin/python") in " ".join(text.replace("\\\n", " ").split())
