"""The embedded model's tokenizer and numpy start as many threads as they are allowed to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ragsite.paths import PROJECT

COUNT = """
import django; django.setup()
import threading
from pathlib import Path
import wordllama
model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
model.embed(["many words " * 200] * 32)
running = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Threads:"))
print(int(running.split()[1]) - threading.active_count())
"""


def threads_of_libraries(**environment: str) -> int:
    """Return how many threads a process has that Python didn't start, after it has embedded."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        env={**kept, "DJANGO_SETTINGS_MODULE": "ragsite.settings", **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return int(done.stdout.split()[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_libraries_start_no_more_threads_than_allowed() -> None:
    assert threads_of_libraries(RAG_CPU_THREADS="1") == 1, "the tokenizer's; numpy computes in the caller's"
    three = threads_of_libraries(RAG_CPU_THREADS="3")
    assert three >= 3
    nearer_word = threads_of_libraries(RAG_CPU_THREADS="3", RAYON_NUM_THREADS="1")
    assert three - nearer_word == 2, "what is said of one library, counts there"
