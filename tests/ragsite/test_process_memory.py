"""What is registered is forgotten, by `reset` and in a forked child."""

from __future__ import annotations

import os

import pytest

from querying.answering import claims
from querying.cachestore import hit_counters, memory
from querying.caching import searches
from querying.retrieval import query_embedding
from ragsite import ollama, process_memory
from ragsite.process_memory import on_reset, reset
from ragsite.web import rate_limits


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> list[process_memory.Forget]:
    """What modules have registered; what a test adds goes with it."""
    known = list(process_memory._registered)
    monkeypatch.setattr(process_memory, "_registered", known)
    return known


def test_all_that_is_registered_is_forgotten_in_order() -> None:
    forgotten: list[str] = []
    on_reset(lambda: forgotten.append("one"))
    on_reset(lambda: forgotten.append("two"))
    reset()
    assert forgotten == ["one", "two"]
    reset()
    assert forgotten == ["one", "two"] * 2


def test_what_keeps_something_is_registered(registered: list[process_memory.Forget]) -> None:
    assert {
        memory.forget_all,
        searches.forget_all,
        claims.forget_all,
        query_embedding.forget_all,
        rate_limits.forget_all,
        ollama.close_client,
    } <= set(registered)
    assert "CountBuffer.forget" in {
        forget.__qualname__ for forget in registered if forget.__module__ == hit_counters.__name__
    }


def test_a_forked_child_forgets_what_asks_for_it() -> None:
    kept = {"in both": 1, "in the parent": 1}
    on_reset(lambda: kept.pop("in both", None))
    on_reset(lambda: kept.pop("in the parent", None), after_fork=True)
    child = os.fork()
    if not child:
        os._exit(0 if set(kept) == {"in both"} else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert set(kept) == {"in both", "in the parent"}
