"""Indexing of text files by two workers: speed, use of the embedder, and latency of an upload."""

from __future__ import annotations

import time

from monitoring.lab.benchmarks.bench import Bench
from monitoring.lab.benchmarks.data.plain_texts import make_prose, write_files
from monitoring.lab.benchmarks.load.keep_alive_client import KeepAlive, as_multipart
from monitoring.lab.benchmarks.measuring.indexing_rounds import Amount, Round, index_files
from monitoring.lab.benchmarks.measuring.indexing_workers import indexing_workers, make_corpus
from monitoring.lab.benchmarks.measuring.many_files import Batch, figures_of_batches, index_batches
from monitoring.lab.benchmarks.measuring.subprocess_call import run_inside
from monitoring.lab.benchmarks.registry import scenario
from monitoring.lab.benchmarks.reports.figures import Figure, Outcome, Target, distribution, percentile
from monitoring.lab.ollama_simulator.processes import StandInProcess

WORKERS = 2
EMBED_SECONDS = 0.05  # of each call of the stand-in, one after the other, as a real server has it
UPLOADS_PER_SECOND = 8.0
UPLOAD_BYTES = 50_000


@scenario(
    "ingest", "text files through two real workers: MB/s, how busy the embedder is, how soon uploads are answered"
)
def run(bench: Bench) -> Outcome:
    """Index in process and with the stand-in, in turns; then upload while workers are busy with both."""
    embedded_amount = Amount(8, 500_000, 30) if bench.quick else Amount(24, 500_000, 100)
    remote_amount = Amount(6, 250_000, 30) if bench.quick else Amount(16, 375_000, 100)
    embedded: list[Round] = []
    remote: list[Round] = []
    batches: list[tuple[Batch, ...]] = []
    with bench.stage.standin(embed_seconds=EMBED_SECONDS, embed_parallel=1) as standin:
        for number in range(1 if bench.quick else bench.rounds):
            bench.say(f"round {number + 1}: the embedded provider")
            embedded.append(index_files(bench, f"ingest-embedded-{number}", embedded_amount, number))
            bench.say(f"round {number + 1}: the stand-in")
            remote.append(index_files(bench, f"ingest-remote-{number}", remote_amount, number, standin))
            batches.append(index_batches(bench, number, standin))
        bench.say("uploads while workers index")
        answered = _upload(bench, "uploads-remote", remote_amount, standin)
        answered_embedded = _upload(bench, "uploads-embedded", remote_amount)
    runs = [*embedded, *remote, *(batch.round for each in batches for batch in each)]
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
            # A passage once; and up to 160 sentences that the space is measured with
            # (documents/reindexing/closeness.py).
            "texts embedded per passage",
            [run.texts_per_chunk for run in remote],
            "",
            Target(at_least=1.0, at_most=1.1),
        ),
        *figures_of_batches(batches),
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
            "passages": [run.indexed.chunks for run in [*embedded, *remote]],
            "uploads": len(answered),
            "upload_bytes": UPLOAD_BYTES,
        },
        distributions={
            "upload while the stand-in embeds (s)": distribution(answered),
            "upload while workers embed (s)": distribution(answered_embedded),
        },
    )


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
