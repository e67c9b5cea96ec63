"""Calls a function in a separate process, on the stage's database and with a server's settings."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import django
from django.conf import settings

LONGEST_SECONDS = 1800.0


def run_inside(environment: Mapping[str, str], act: Callable[..., Any], **arguments: Any) -> Any:
    """Return what `act(**arguments)` returns there. Both go as JSON, so a tuple comes back as a list.

    Raises RuntimeError with the end of what the process wrote.
    """
    done = subprocess.run(  # noqa: S603 - our own module
        [
            sys.executable,
            "-m",
            "monitoring.lab.benchmarks.measuring.subprocess_call",
            f"{act.__module__}:{act.__qualname__}",
        ],
        cwd=settings.BASE_DIR,
        env=dict(environment),
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{act.__qualname__} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.rsplit("\n", 2)[-2])


def main(name: str) -> None:
    """Run the function of this name with the arguments on stdin, and write its result as the last line of stdout."""
    django.setup()
    module, _, function = name.partition(":")
    result = getattr(importlib.import_module(module), function)(**json.load(sys.stdin))
    print(json.dumps(result))  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ragsite.settings")
    main(sys.argv[1])
