"""Environment of a scenario: how thorough it is to be, a stage of its own, and a meter for processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from monitoring.lab.benchmarks.data.question_corpus import documents
from monitoring.lab.benchmarks.measuring.process_usage import Usage, UsageMeter
from monitoring.lab.benchmarks.peer.packages import PeerInterpreter
from monitoring.lab.testbed.stage import EMBED_MODEL, LLM_MODEL, Stage

# What every installation sets, and nothing else: the rest are the defaults, unless a scenario says so.
SERVER_SETTINGS = {
    "WEB_WORKERS": "2",
    "LLM_MODEL": LLM_MODEL,
    "EMBED_MODEL": EMBED_MODEL,
    "SECRET_KEY": "only-for-benchmarks-and-gone-with-them-0123456789",
}
FULL_ROUNDS, QUICK_ROUNDS = 3, 2


class Bench:
    """Holds the stage from its first use until the `with` block ends."""

    def __init__(
        self,
        *,
        quick: bool = False,
        rounds: int | None = None,
        size: int | None = None,
        peer: PeerInterpreter | None = None,
    ) -> None:
        self.quick = quick
        self.rounds = rounds or (QUICK_ROUNDS if quick else FULL_ROUNDS)
        self._rounds_were_chosen = rounds is not None
        self.size = size
        self.peer = peer
        self.usages: dict[str, list[Usage]] = {}  # by what was done meanwhile: into the JSON file
        self._stack = ExitStack()
        self._stage: Stage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stage = None
        self._stack.close()

    def choose_rounds(self, *, quick: int = QUICK_ROUNDS, full: int = FULL_ROUNDS) -> int:
        """Return how often to measure: what `--rounds` says, or else these."""
        if not self._rounds_were_chosen:
            self.rounds = quick if self.quick else full
        return self.rounds

    @property
    def has_stage(self) -> bool:
        """Return whether the scenario has used a stage."""
        return self._stage is not None

    @property
    def stage(self) -> Stage:
        """Return the stage, made at the first call: a Postgres of its own with the benchmark's corpus in it."""
        if self._stage is None:
            self.say("starting a Postgres and indexing the corpus")
            stage = Stage(
                documents=documents(),
                server_settings=SERVER_SETTINGS,
                as_owner=True,  # who writes rows by the million, past the triggers
            )
            self._stage = self._stack.enter_context(stage)
        return self._stage

    @contextmanager
    def metered(self, doing: str, pids: Mapping[str, int]) -> Iterator[UsageMeter]:
        """Measure CPU and memory of the processes (by name), and of their children, until the block ends."""
        with UsageMeter(pids) as meter:
            yield meter
        self.usages.setdefault(doing, []).extend(meter.usages)

    def say(self, text: str) -> None:
        """Tell of the progress on stderr: stdout is the report's."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress of a command
