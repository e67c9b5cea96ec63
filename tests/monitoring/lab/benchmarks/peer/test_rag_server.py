"""The peer's own files, which run where our packages are not, and theirs not here."""

from __future__ import annotations

import ast
import asyncio
import importlib
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from monitoring.lab.benchmarks.conditions import FIRST_TOKEN, STREAMED, asked
from monitoring.lab.benchmarks.load.runner import Load, run_load
from monitoring.lab.benchmarks.peer import packages
from monitoring.lab.benchmarks.peer.packages import PACKAGES
from ragsite.paths import PROJECT
from tests.monitoring.lab.benchmarks.load.test_generator import serving, streamed

SERVER = "monitoring.lab.benchmarks.peer.rag_server"
PEER = Path(packages.__file__).parent


def imported_by(name: str) -> set[str]:
    """Return the modules that a file imports, without the standard library's. Raises SyntaxError."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((PEER / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            found.add(node.module)
    return {module for module in found if module.partition(".")[0] not in sys.stdlib_module_names}


def test_the_server_needs_what_pip_is_told_to_install_and_its_own_events() -> None:
    modules = imported_by("rag_server.py")
    assert "monitoring.lab.benchmarks.peer.events" in modules
    others = {module.partition(".")[0] for module in modules} - {"monitoring"}
    assert others <= {name.replace("-", "_") for name in PACKAGES}
    checks = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["overrides"]
    assert {f"{name}.*" for name in others} in [set(each["module"]) for each in checks]


def test_what_runs_beside_it_in_that_interpreter_needs_nothing() -> None:
    for name in ("events.py", "packages.py", "__init__.py", "../__init__.py", "../../__init__.py"):
        assert imported_by(name) == set()


class Store:
    """Finds two passages for whatever is asked."""

    def __init__(self) -> None:
        self.searches: list[tuple[str, int]] = []

    async def asimilarity_search(self, question: str, k: int) -> list[SimpleNamespace]:
        self.searches.append((question, k))
        return [SimpleNamespace(id=name, page_content=f"Depot {name}.") for name in ("a", "b")]


class Model:
    """Says a word, nothing, and another word."""

    def __init__(self, *, fails: bool) -> None:
        self.fails = fails
        self.messages: list[tuple[str, str]] = []

    async def astream(self, messages: list[tuple[str, str]]) -> AsyncIterator[SimpleNamespace]:
        self.messages = messages
        yield SimpleNamespace(content="Depot")
        yield SimpleNamespace(content="")
        if self.fails:
            raise OSError("the model is gone")
        yield SimpleNamespace(content=" a")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The server's module, with mocks in the place of packages that are not installed here."""
    for name in imported_by("rag_server.py"):
        if not name.startswith("monitoring."):
            monkeypatch.setitem(sys.modules, name, MagicMock())
    monkeypatch.delitem(sys.modules, SERVER, raising=False)
    monkeypatch.setenv("PEER_TOP_K", "2")
    module = importlib.import_module(SERVER)
    yield module
    del sys.modules[SERVER]


def streamed_by(server: Any, question: str) -> Iterator[str]:
    """Yield the events of an answer. Raises what the server raises."""
    events = server._answered(question)
    with asyncio.Runner() as runner:
        while True:
            try:
                yield runner.run(anext(events))
            except StopAsyncIteration:
                return


def test_the_model_gets_the_passages_and_its_words_are_the_answer(server: Any) -> None:
    server.Parts.store, server.Parts.model = store, model = Store(), Model(fails=False)
    events = [event.encode() for event in streamed_by(server, "Which depot?")]
    assert store.searches == [("Which depot?", 2)]
    assert model.messages[-1] == ("human", "[1] Depot a.\n\n[2] Depot b.\n\nQuestion: Which depot?")
    with serving(streamed(*events)) as reader:
        loaded = run_load(
            reader.url, Load([asked("Which?", path="/ask")], count=1, good=STREAMED, first_token=FIRST_TOKEN)
        )
    assert [found.first_token is not None for found in loaded.good] == [True]
    assert len(events) == 3


def test_an_answer_that_breaks_off_has_no_end(server: Any) -> None:
    server.Parts.store, server.Parts.model = Store(), Model(fails=True)
    events = streamed_by(server, "Which depot?")
    assert FIRST_TOKEN in next(events)
    with pytest.raises(OSError, match="the model is gone"):
        list(events)
