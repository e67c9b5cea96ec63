"""How fast two workers index text files, whether the embedder is kept busy, and how soon an upload is answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from monitoring.benchmarks.bench import Bench
from monitoring.benchmarks.figures import Figure, Outcome, Target, distribution, percentile
from monitoring.benchmarks.indexing_workers import (
    Indexed,
    cpu_seconds,
    indexing_workers,
    make_corpus,
    wait_for_index,
    wait_until_indexed,
)
from monitoring.benchmarks.inside import run_inside
from monitoring.benchmarks.keep_alive import KeepAlive, as_multipart
from monitoring.benchmarks.prose import make_prose, write_files
from monitoring.benchmarks.registry import scenario
from monitoring.benchmarks.standin.processes import StandInProcess
from monitoring.drills.stage import EMBED_MODEL

WORKERS = 2
EMBED_SECONDS = 0.05  # of each call of the stand-in, one after the other, as a real server has it
UPLOADS_PER_SECOND = 8.0
MEGABYTE = 1_000_000
UPLOAD_BYTES = 50_000


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


@dataclass(frozen=True)
class _Run:
    """One round with one embedder."""

    indexed: Indexed
    megabytes_per_second: float
    megabytes_per_second_with_index: float  # until the vector index is there, if the corpus is large enough for one
    worker_cpu_seconds: float  # per MB, with the children that read the files
    postgres_cpu_seconds: float  # per MB
    busy_share: float = 0.0
    texts_per_chunk: float = 0.0


@scenario(
    "ingest", "text files through two real workers: MB/s, how busy the embedder is, how soon uploads are answered"
)
def run(bench: Bench) -> Outcome:
    """Index in process and with the stand-in, in turns; then upload while workers are busy with both."""
    embedded_amount = Amount(8, 500_000, 30) if bench.quick else Amount(24, 500_000, 100)
    remote_amount = Amount(6, 250_000, 30) if bench.quick else Amount(16, 375_000, 100)
    embedded: list[_Run] = []
    remote: list[_Run] = []
    with bench.stage.standin(embed_seconds=EMBED_SECONDS, embed_parallel=1) as standin:
        for number in range(1 if bench.quick else bench.rounds):
            bench.say(f"round {number + 1}: the embedded provider")
            embedded.append(_index(bench, f"ingest-embedded-{number}", embedded_amount, number))
            bench.say(f"round {number + 1}: the stand-in")
            remote.append(_index(bench, f"ingest-remote-{number}", remote_amount, number, standin))
        bench.say("uploads while workers index")
        answered = _upload(bench, "uploads-remote", remote_amount, standin)
        answered_embedded = _upload(bench, "uploads-embedded", remote_amount)
    runs = [*embedded, *remote]
    figures = (
        Figure.of(
            "embedded provider, 2 workers",
            [run.megabytes_per_second for run in embedded],
            "MB/s",
            Target(at_least=2.0),
            lower_is_better=False,
        ),
        Figure.of(
            "... until the vector index is built, too",
            [run.megabytes_per_second_with_index for run in embedded],
            "MB/s",
            lower_is_better=False,
        ),
        Figure.of(
            "... CPU of the workers",
            [run.worker_cpu_seconds for run in embedded],
            "s/MB",
            note="their start included; 2 MB/s on two cores leave 1 s/MB for all",
        ),
        Figure.of("... CPU of Postgres", [run.postgres_cpu_seconds for run in embedded], "s/MB"),
        Figure.of(
            "stand-in of 50 ms, 2 workers",
            [run.megabytes_per_second for run in remote],
            "MB/s",
            Target(at_least=0.4),
            lower_is_better=False,
        ),
        Figure.of(
            "embedder busy",
            [100 * run.busy_share for run in remote],
            "% of the time",
            Target(at_least=90),
            lower_is_better=False,
        ),
        Figure.of(
            # A passage once; and up to 160 sentences that the space is measured with (documents/closeness.py).
            "texts embedded per passage",
            [run.texts_per_chunk for run in remote],
            "",
            Target(at_least=1.0, at_most=1.1),
        ),
        Figure("documents that failed", sum(run.indexed.failed for run in runs), "", Target(at_most=0)),
        Figure("upload answered p95, indexing with the stand-in", _p95_ms(answered), "ms", Target(at_most=100)),
        Figure("upload answered p95, indexing in process", _p95_ms(answered_embedded), "ms", Target(at_most=100)),
    )
    return Outcome(
        figures,
        settings={
            "workers": WORKERS,
            "embed_seconds": EMBED_SECONDS,
            "bytes_embedded": embedded_amount.total_bytes,
            "bytes_remote": remote_amount.total_bytes,
            "passages": [run.indexed.chunks for run in runs],
            "uploads": len(answered),
            "upload_bytes": UPLOAD_BYTES,
        },
        distributions={
            "upload while the stand-in embeds (s)": distribution(answered),
            "upload while workers embed (s)": distribution(answered_embedded),
        },
    )


def _index(bench: Bench, slug: str, amount: Amount, seed: int, standin: StandInProcess | None = None) -> _Run:
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
    with indexing_workers(environment, stage.folder, WORKERS) as pids:
        heads = {f"worker {number}": pid for number, pid in enumerate(pids, start=1)}
        with bench.metered(slug.rpartition("-")[0], heads):
            indexed = wait_until_indexed(environment["DATABASE_URL"], slug, amount.files)
            ready_at = time.monotonic()
            wait_for_index(environment["DATABASE_URL"])
            index_seconds = time.monotonic() - ready_at
        megabytes = size_bytes / MEGABYTE
        found = _Run(
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


def _upload(bench: Bench, slug: str, amount: Amount, standin: StandInProcess | None = None) -> list[float]:
    """Upload at a steady rate while workers have a backlog, and return how many seconds each took to be answered."""
    stage = bench.stage
    url = standin.url if standin else ""
    environment = {**stage.environment, "OLLAMA_BASE_URL": url}
    api_key = run_inside(environment, make_corpus, slug=slug)
    write_files(stage.folder / slug, count=amount.files, size_bytes=amount.size_bytes, seed=99)
    stage.manage("ingest", slug, str(stage.folder / slug), "--enqueue", OLLAMA_BASE_URL=url)
    taken = []
    with (
        stage.serving(*([standin] if standin else [])) as (server, _),
        indexing_workers(environment, stage.folder, WORKERS),
        KeepAlive(server.url, api_key=api_key) as client,
    ):
        time.sleep(2)  # until the workers are at it
        started = time.monotonic()
        for number in range(amount.uploads):
            time.sleep(max(0.0, started + number / UPLOADS_PER_SECOND - time.monotonic()))
            text = make_prose(UPLOAD_BYTES, seed=1_000_000 + number).encode()
            body, content_type = as_multipart({"corpus": slug}, f"upload-{number}.txt", text)
            status, found, seconds = client.post("/api/v1/documents", body, content_type)
            if status != 202:
                raise RuntimeError(f"an upload got {status}: {str(found)[:300]}")
            taken.append(seconds)
    return taken


def _p95_ms(taken: list[float]) -> float:
    return 1000 * percentile(taken, 0.95)
