"""Embeds batches of texts, with the next calls running while the caller stores the vectors of the last one.

The model server works on one call at a time, and is the bottleneck. So while one call's vectors are stored, the server
already has the next one. A crash loses the calls whose vectors are not stored yet: never more than CALLS_AHEAD.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from django.db import connections

from documents.indexing.attempts import Interrupted

CALLS_AHEAD = 2  # one is computed while the other's vectors are sent and stored

Texts = Sequence[str]
Pause = Callable[[float], object]
Embed = Callable[[Texts, Callable[[], bool], Pause], np.ndarray]


@contextmanager
def vectors_ahead(
    embed: Embed, batches: Sequence[Texts], keep_going: Callable[[], bool]
) -> Iterator[Iterator[np.ndarray]]:
    """Start the first batches at once, and yield an iterator over the vectors of all batches, in their order.

    The caller stores the vectors of a batch before it asks for the next: only then another batch is started. `embed` is
    called in threads that end with the block, after their running calls; it gets the texts, a `keep_going`, and a
    `pause` that ends early when it is to stop. It must not use the database.

    The iterator raises what `embed` raises at the place of its batch, and Interrupted when `keep_going` returned False
    and the vectors of all started batches have been yielded.
    """
    with calls_ahead(embed, keep_going) as begin:
        yield _in_order(
            deque(begin(texts) for texts in batches[:CALLS_AHEAD]), iter(batches[CALLS_AHEAD:]), begin, keep_going
        )


@contextmanager
def calls_ahead(embed: Embed, keep_going: Callable[[], bool]) -> Iterator[Callable[[Texts], Future[np.ndarray]]]:
    """Yield a function that starts a call, at once or when one of the CALLS_AHEAD before it has ended.

    At the end of the block, calls that have not started are cancelled, and the others are waited for. About `embed` see
    `vectors_ahead`.
    """
    stopped = threading.Event()

    def run(texts: Texts) -> np.ndarray:
        try:
            return embed(texts, lambda: not stopped.is_set() and keep_going(), stopped.wait)
        finally:
            connections.close_all()  # this thread should have none, and must never keep one

    executor = ThreadPoolExecutor(CALLS_AHEAD, thread_name_prefix="embed-ahead")
    try:
        yield lambda texts: executor.submit(run, texts)
    finally:
        stopped.set()
        executor.shutdown(cancel_futures=True)


def _in_order(
    begun: deque[Future[np.ndarray]],
    waiting: Iterator[Texts],
    begin: Callable[[Texts], Future[np.ndarray]],
    keep_going: Callable[[], bool],
) -> Iterator[np.ndarray]:
    left_out = False
    while begun:
        yield begun.popleft().result()
        if keep_going():
            if (texts := next(waiting, None)) is not None:
                begun.append(begin(texts))
        else:
            left_out = left_out or next(waiting, None) is not None
    if left_out:
        raise Interrupted
