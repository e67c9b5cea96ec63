"""Shows the progress of `manage.py reindex`, and formats its results."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO, Any

from tqdm import tqdm

from documents.models import Corpus, EmbeddingSpace
from documents.reindexing.pipeline import Outcome, Watching
from documents.reindexing.status import BYTES_PER_MB, comparison_in_words, recall_in_words, settings_in_words, status_of
from documents.vectors.index_progress import Build

SHARES_SAID = 10  # lines about one stage, where there is no terminal
_SENTENCES = {
    "unchanged": "Nothing would change: {space} is live already. --force embeds everything again.",
    "shadow": "{space} is complete and waits. --promote makes it live.",
    "promoted": "{space} is live. --rollback goes back, --drop-retired frees the space of the one before.",
    "refused": "{space} was not promoted. {why} --force promotes it nevertheless.",
    "rolled_back": "{space} is live again.",
}


class Progress(Watching):
    """A bar with rate and time left on a terminal; elsewhere a line for every tenth of a stage."""

    def __init__(self, stream: IO[str], keep_going: Callable[[], bool]) -> None:
        self.stream = stream
        self.told = keep_going
        self.bar: tqdm[Any] | None = None
        self.name, self.total, self.done, self.said = "", 0, 0, 0

    def __enter__(self) -> Progress:
        self.logger = logging.getLogger("documents.vectors.index_progress")
        self.log_level = self.logger.level
        self.logger.setLevel(logging.WARNING)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.logger.setLevel(self.log_level)
        self._close()

    def stage(self, name: str, total: int = 0) -> None:
        """Show the name of the new stage."""
        self._close()
        self.name, self.total, self.done, self.said = name, total, 0, 0
        if self.stream.isatty():
            self.bar = tqdm(total=total or None, unit="vector", desc=name, file=self.stream, dynamic_ncols=True)
        else:
            print(f"{name}: {total} vectors" if total else name, file=self.stream, flush=True)

    def count(self, added: int) -> None:
        """Show how many vectors are stored."""
        self.done += added
        if self.bar is not None:
            self.bar.update(added)
        elif self.total and SHARES_SAID * self.done // self.total > self.said:
            self.said = SHARES_SAID * self.done // self.total
            print(f"{self.name}: {self.done} of {self.total}", file=self.stream, flush=True)

    def built(self, build: Build) -> None:
        """Show how far the index is built. Called from another thread."""
        if self.bar is not None:
            self.bar.total = 100
            self.bar.unit = "%"
            self.bar.n = round(100 * build.share)
            self.bar.set_postfix_str(build.phase)
        elif int(SHARES_SAID * build.share) > self.said:
            self.said = int(SHARES_SAID * build.share)
            print(f"{self.name}: {build.phase}, {build.share:.0%}", file=self.stream, flush=True)

    def keep_going(self) -> bool:
        """Return whether to go on; False after a signal."""
        return self.told()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def outcome_as_json(outcome: Outcome) -> str:
    """Return the outcome as JSON."""
    comparison = None if outcome.comparison is None else outcome.comparison.as_dict()
    space = next(each for each in status_of(outcome.space.corpus) if each["id"] == outcome.space.pk)
    return _json({"result": outcome.result, "why": outcome.why, "comparison": comparison, "space": space})


def outcome_as_text(outcome: Outcome) -> str:
    """Return the outcome as text."""
    space = outcome.space
    lines = []
    if recall := recall_in_words(space):
        lines.append(f"recall@10 of its index: {recall}")
    if outcome.comparison is not None:
        lines.append(f"live -> new: {comparison_in_words(space)}")
    lines.append(_SENTENCES[outcome.result].format(space=_name(space), why=outcome.why))
    return "\n".join(lines)


def status_as_json(corpus: Corpus) -> str:
    """Return the corpus' spaces as JSON."""
    return _json({"corpus": corpus.slug, "tenant": corpus.tenant.slug, "spaces": status_of(corpus)})


def status_as_text(corpus: Corpus) -> str:
    """Return the corpus' spaces as text."""
    by_id = {space.pk: space for space in corpus.spaces.all()}
    return "\n".join(
        "\n".join(_status_lines(by_id[row["id"]], row)) for row in status_of(corpus)
    ) or "No space yet: the first document makes one."  # fmt: skip


def _status_lines(space: EmbeddingSpace, row: dict[str, Any]) -> Sequence[str]:
    index = row["index"]
    state = index["state"]
    if index["building"] is not None:
        state += f" ({index['building']['phase']}, {index['building']['share']:.0%})"
    if index["bytes"]:
        state += f", {index['bytes'] / BYTES_PER_MB:.1f} MB"
    lines = [
        f"{space.status:<9}{_name(space)}",
        f"{'':<9}{row['chunks_covered']} of {row['chunks_total']} chunks; index: {state}",
    ]
    if recall := recall_in_words(space):
        lines.append(f"{'':<9}recall@10: {recall}")
    if compared := comparison_in_words(space):
        lines.append(f"{'':<9}live -> this: {compared}")
    return lines


def _name(space: EmbeddingSpace) -> str:
    words = settings_in_words(space)
    dimensions = f", {space.dimensions} dimensions" if space.dimensions else ""
    return f"space {space.pk} ({space.provider} {space.model}{dimensions}{', ' + words if words else ''})"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
