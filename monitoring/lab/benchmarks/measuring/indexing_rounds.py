"""Measures how long real workers take to index queued files, and what it costs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.plain_texts import write_files
from monitoring.lab.benchmarks.load.keep_alive_client import KeepAlive
from monitoring.lab.benchmarks.measuring.indexing_workers import (
    Indexed,
    cpu_seconds,
    indexing_workers,
    make_corpus,
    wait_for_index,
    wait_until_indexed,
)
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.stage import EMBED_MODEL

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Amount:
    """How much is indexed in a round."""

    files: int  # an even number: so they have that mean
    size_bytes: int  # of a file, in the mean
    uploads: int

    @property
    def total_bytes(self) -> int:
        """Return the bytes of all files."""
        return self.files * self.size_bytes

    @property
    def megabytes(self) -> float:
        """Return the size of the files in MB."""
        return self.total_bytes / MEGABYTE


@dataclass(frozen=True)
class Round:
    """Figures of one round."""

    indexed: Indexed
    megabytes_per_second: float
    megabytes_per_second_with_index: float  # until the vector index is there, if the corpus is large enough for one
    worker_cpu_seconds: float  # per MB, with the children that read the files
    postgres_cpu_seconds: float  # per MB
    busy_share: float = 0.0
    texts_per_chunk: float = 0.0


def index_files(
    bench: Bench, slug: str, amount: Amount, seed: int, standin: StandInProcess | None = None, *, workers: int = 2
) -> Round:
    """Have files indexed that wait in the queue, and return how that went."""
    stage = bench.stage
    environment = {**stage.environment, "OLLAMA_BASE_URL": standin.url if standin else ""}
    run_inside(environment, make_corpus, slug=slug)
    size_bytes = write_files(stage.folder / slug, count=amount.files, size_bytes=amount.size_bytes, seed=seed)
    stage.manage("ingest", slug, str(stage.folder / slug), "--enqueue", OLLAMA_BASE_URL=environment["OLLAMA_BASE_URL"])
    if standin is not None:
        _warm_up(standin)
    postmaster = [int((stage.postgres_directory / "postmaster.pid").read_text().split()[0])]
    before = cpu_seconds(postmaster)
    with indexing_workers(environment, stage.folder, workers) as pids:
        heads = {f"worker {number}": pid for number, pid in enumerate(pids, start=1)}
        with bench.metered(slug.rpartition("-")[0], heads):
            indexed = wait_until_indexed(environment["DATABASE_URL"], slug, amount.files)
            ready_at = time.monotonic()
            wait_for_index(environment["DATABASE_URL"])
            index_seconds = time.monotonic() - ready_at
        megabytes = size_bytes / MEGABYTE
        found = Round(
            indexed,
            megabytes / indexed.seconds,
            megabytes / (indexed.seconds + index_seconds),
            worker_cpu_seconds=cpu_seconds(pids) / megabytes,
            postgres_cpu_seconds=(cpu_seconds(postmaster) - before) / megabytes,
        )
    if standin is None:
        return found
    state = standin.state()
    return replace(
        found,
        busy_share=state["embeds_busy_seconds"] / indexed.seconds,
        texts_per_chunk=state["embedded_texts"] / max(1, indexed.chunks),
    )


def _warm_up(standin: StandInProcess) -> None:
    """Have the model server load what it loads at its first call, and count from here on."""
    with KeepAlive(standin.url) as client:
        client.post_json("/api/embed", {"model": EMBED_MODEL, "input": ["a text"]})
    standin.control({"reset_counters": True})
