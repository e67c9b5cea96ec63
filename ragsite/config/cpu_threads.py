"""Limits the threads that numeric libraries start; they read their environment when they are loaded."""

from __future__ import annotations

import os

# Of the tokenizer of the embedded model; of numpy, by the kind of its linear algebra.
NAMES = ("RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def bound_cpu_threads(threads: int) -> None:
    """Let each library of this process and its children start so many threads at most; 0: as many as there are cores.

    Call it before they are imported. What the environment says of one of them, stays.
    """
    if threads > 0:
        for name in NAMES:
            os.environ.setdefault(name, str(threads))
