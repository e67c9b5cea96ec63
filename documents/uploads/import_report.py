"""Shows the progress of `manage.py ingest`, and formats its report."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any

from tqdm import tqdm

from documents.uploads.folder_import import FAILED, PROCESSING, Ingested, Report

logger = logging.getLogger("documents.indexing.pipeline")
PLAIN_LINE_EVERY = 20  # files, where there is no terminal
BYTES_PER_MB = 1_000_000


class Progress:
    """A bar with rate and time left on a terminal; elsewhere a line every so many files. Mutes the INFO log."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.files = self.done = 0
        self.bar: tqdm[Any] | None = None

    def __enter__(self) -> Progress:
        self.log_level = logger.level
        logger.setLevel(logging.WARNING)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger.setLevel(self.log_level)
        if self.bar is not None:
            self.bar.close()

    def start(self, files: int) -> None:
        """Start with the number of files."""
        self.files = files
        if self.stream.isatty():
            self.bar = tqdm(total=files, unit="file", file=self.stream, dynamic_ncols=True)

    def advance(self, ingested: Ingested) -> None:
        """Count a file that is done."""
        self.done += 1
        if self.bar is not None:
            self.bar.set_postfix_str(ingested.file[-40:], refresh=False)
            self.bar.update()
        elif self.done % PLAIN_LINE_EVERY == 0 or self.done == self.files:
            print(f"{self.done} of {self.files} files", file=self.stream, flush=True)


def as_json(report: Report) -> str:
    """Return the report as JSON."""
    documents = [
        {key: value for key, value in asdict(done).items() if key not in {"message", "bytes"}}
        | ({"error": done.message} if done.message else {})
        for done in report.documents
    ]
    totals = {
        "ready": report.ready,
        "failed": report.failed,
        "unchanged": report.unchanged,
        "processing": report.processing,
        "stopped": report.stopped,
        "seconds": report.seconds,
        "bytes": report.bytes,
    }
    return json.dumps({"documents": documents, **totals}, ensure_ascii=False, indent=2)


def as_text(report: Report) -> str:
    """Return the report as text: the files that failed or wait, then the totals."""
    notable = [done for done in report.documents if done.status in {FAILED, PROCESSING}]
    lines = [f"{done.status:<11}{done.file}\n{'':<11}{done.error_code or 'queued'}: {done.message}" for done in notable]
    indexed = [done for done in report.documents if done.status == "ready"]
    chunks = sum(done.chunks for done in indexed)
    megabytes = report.bytes / BYTES_PER_MB
    rate = megabytes / report.seconds if report.seconds else 0.0
    rows = [
        ("ready", report.ready, f"{chunks} chunks"),
        ("unchanged", report.unchanged, ""),
        ("failed", report.failed, ""),
        ("processing", report.processing, "left to the workers" if report.processing else ""),
    ]
    lines += [f"{name:<11}{count:>7}  {note}".rstrip() for name, count, note in rows]
    lines.append(f"{len(report.documents)} files, {megabytes:.1f} MB in {report.seconds:.1f} s ({rate:.2f} MB/s)")
    if report.stopped:
        lines.append("Stopped before the end; run it again for the rest.")
    return "\n".join(lines)
