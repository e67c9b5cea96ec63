"""Packages that the peer's interpreter needs. Run as a script there, it prints their versions."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

# The versions it was tried with. uvloop and httptools come with uvicorn[standard], and make the peer faster.
PACKAGES = {
    "fastapi": "0.165.0",
    "uvicorn": "0.54.0",
    "uvloop": "0.23.0",
    "httptools": "0.9.0",
    "langchain-postgres": "0.0.19",
    "langchain-ollama": "1.1.0",
    "sqlalchemy": "2.1.9",
    "asyncpg": "0.32.0",
    "httpx": "0.28.1",
}
PATIENCE_SECONDS = 30.0
# Of ours: with these, another interpreter would find our packages, and count them as its own.
OURS = ("VIRTUAL_ENV", "PYTHON")


class PeerUnusable(Exception):
    """This interpreter can't run the peer; the message says why, and what to do about it."""


@dataclass(frozen=True)
class PeerInterpreter:
    """An interpreter that can run the peer. `versions`: of Python and of the peer's packages."""

    path: str
    versions: dict[str, str]

    @property
    def note(self) -> str:
        """Return what a report says of the peer."""
        packages = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"peer: {packages}; uvicorn with 2 workers, one search by vector per question; "
            "no cache, no search by words, no rights, no citations, nothing when the model fails"
        )


def pip_line(interpreter: str) -> str:
    """Return the command that installs what the peer needs."""
    return f"{interpreter} -m pip install " + " ".join(f"{name}=={version}" for name, version in PACKAGES.items())


def interpreter_at(path: str) -> PeerInterpreter:
    """Return what is known of the interpreter at `path`, or of that name. Raises PeerUnusable."""
    # Absolute, as it will be run from another folder; not resolved: a link is what makes an environment of its own.
    path = str(Path(shutil.which(path) or path).absolute())
    found = _told_by(path)
    if missing := [name for name in PACKAGES if not found["packages"].get(name)]:
        raise PeerUnusable(f"{path} has no {', '.join(missing)}; install what the peer needs:\n  {pip_line(path)}")
    return PeerInterpreter(path, {"Python": str(found["python"]), **found["packages"]})


def environment_of_others(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment without what would make another interpreter use our packages."""
    return {name: value for name, value in environment.items() if not name.startswith(OURS)}


def _told_by(path: str) -> Any:
    """Return what this file says when it runs in the interpreter."""
    try:
        done = subprocess.run(  # noqa: S603 - the operator names it
            [path, str(Path(__file__))],
            env=environment_of_others(dict(os.environ)),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except OSError as error:
        raise PeerUnusable(f"--peer takes a Python interpreter, and {path} can't be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise PeerUnusable(f"{path} said nothing for {PATIENCE_SECONDS:g} s; is it a Python interpreter?") from error
    try:
        told = json.loads(done.stdout)
        if done.returncode == 0 and isinstance(told["packages"], dict):
            return told
    except (ValueError, LookupError, TypeError):
        pass
    last = (done.stderr or done.stdout).strip()[-300:]
    raise PeerUnusable(f"{path} is no Python interpreter (exit code {done.returncode}){f': {last}' if last else ''}")


def installed() -> dict[str, str | None]:
    """Return the version of each package in this interpreter; None: it is missing."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


if __name__ == "__main__":
    print(json.dumps({"python": platform.python_version(), "packages": installed()}))  # noqa: T201 - its answer
