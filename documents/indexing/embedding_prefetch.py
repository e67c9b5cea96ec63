"""Many batches of texts -> their vectors, with the next calls under way while the caller stores the last one's.

A model server works on one call at a time, and is what everything waits for. So while one call's vectors are stored,
the next call is there already. What is begun and not yet stored is lost in a crash: never more than CALLS_AHEAD calls.
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

CALLS_AHEAD = 2  # one is computed while the other's vectors travel and are stored

Texts = Sequence[str]
Pause = Callable[[float], object]
Embed = Callable[[Texts, Callable[[], bool], Pause], np.ndarray]


@contextmanager
def vectors_ahead(
    embed: Embed, batches: Sequence[Texts], keep_going: Callable[[], bool]
) -> Iterator[Iterator[np.ndarray]]:
    """Begin with the first batches at once, and give an iterator over the vectors of all, in their order.

    Whoever asks it for more has stored what it gave before: only then another batch is begun. `embed` is called in
    threads of its own, which end with the block, after the calls that they are in; it gets the texts, what tells it to
    stop, and a way to sleep that ends when it is told so. It must not ask the database anything.

    The iterator raises what `embed` raises, in the batch's turn; Interrupted when `keep_going` says so and what was
    begun has been given.
    """
    with calls_ahead(embed, keep_going) as begin:
        yield _in_turn(
            deque(begin(texts) for texts in batches[:CALLS_AHEAD]), iter(batches[CALLS_AHEAD:]), begin, keep_going
        )


@contextmanager
def calls_ahead(embed: Embed, keep_going: Callable[[], bool]) -> Iterator[Callable[[Texts], Future[np.ndarray]]]:
    """Give a function that begins a call, at once or when one of the CALLS_AHEAD before it has ended.

    At the end of the block, calls that have not begun are dropped, and the others are waited for. About `embed` see
    `vectors_ahead`.
    """
    stopped = threading.Event()

    def run(texts: Texts) -> np.ndarray:
        try:
            return embed(texts, lambda: not stopped.is_set() and keep_going(), stopped.wait)
        finally:
            connections.close_all()  # this thread's; it has none, and must never keep one

    executor = ThreadPoolExecutor(CALLS_AHEAD, thread_name_prefix="embed-ahead")
    try:
        yield lambda texts: executor.submit(run, texts)
    finally:
        stopped.set()
        executor.shutdown(cancel_futures=True)


def _in_turn(
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
