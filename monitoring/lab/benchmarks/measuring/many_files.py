"""Measures the time of one worker per small file, with a model server that takes 50 ms per call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.measuring.indexing_rounds import Amount, Round, index_files
from monitoring.lab.benchmarks.reports.figures import Figure, Target
from monitoring.lab.ollama_simulator.processes import StandInProcess

ARTICLES = Amount(files=46, size_bytes=34_000, uploads=0)
PARAGRAPHS = Amount(files=200, size_bytes=500, uploads=0)


@dataclass(frozen=True)
class Batch:
    """A folder that one worker indexed."""

    amount: Amount
    round: Round

    @property
    def milliseconds_per_file(self) -> float:
        """Return the wall-clock time per file."""
        return 1000 * self.round.indexed.seconds / self.amount.files

    @property
    def cpu_milliseconds_per_file(self) -> float:
        """Return the CPU time per file of the worker (its start included) and of Postgres."""
        per_megabyte = self.round.worker_cpu_seconds + self.round.postgres_cpu_seconds
        return 1000 * per_megabyte * self.amount.megabytes / self.amount.files


def index_batches(bench: Bench, number: int, standin: StandInProcess) -> tuple[Batch, ...]:
    """Index both folders once, each into a corpus of its own."""
    batches = []
    for name, amount in (("articles", ARTICLES), ("paragraphs", PARAGRAPHS)):
        bench.say(f"round {number + 1}: {amount.files} {name} through one worker")
        batches.append(Batch(amount, index_files(bench, f"ingest-{name}-{number}", amount, number, standin, workers=1)))
    return tuple(batches)


def figures_of_batches(rounds: Sequence[tuple[Batch, ...]]) -> tuple[Figure, ...]:
    """Return the rows of both folders."""
    articles, paragraphs = zip(*rounds, strict=True)
    return (
        Figure.of(
            "46 files of 34 kB, 1 worker",
            [batch.round.megabytes_per_second for batch in articles],
            "MB/s",
            Target(at_least=0.6),
            lower_is_better=False,
        ),
        Figure.of("... CPU per file", [batch.cpu_milliseconds_per_file for batch in articles], "ms"),
        Figure.of(
            "200 one-paragraph files, 1 worker",
            [batch.milliseconds_per_file for batch in paragraphs],
            "ms per file",
            Target(at_most=15),
        ),
        Figure.of("... CPU per one-paragraph file", [batch.cpu_milliseconds_per_file for batch in paragraphs], "ms"),
    )
