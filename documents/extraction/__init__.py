"""Turns the bytes of a file into its text. Parsers run in a child process with limits, so a bad file cannot harm the
worker.
"""

from __future__ import annotations

import json
import logging
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from documents.extraction.failures import ExtractionFailed
from documents.extraction.process.limits import limits_for
from documents.extraction.process.runner import ChildResult, run_child
from documents.text.extraction_notes import Note, understood
from documents.text.normalization import normalise_question

__all__ = ["Extracted", "ExtractionFailed", "extract"]

CHILD = "documents.extraction.process.child"
_HEADER_MAX_BYTES = 4 * 1024 * 1024  # page starts of 100,000 pages and more
_TITLE_MAX_CHARS = 500
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extracted:
    """The text of a file, normalised.

    Page n starts at `page_starts[n - 1]`; formats without pages have none. With `markdown`, "#" lines in the text are
    headings (pass it on to `chunking.cut`). `title` and `language` (ISO 639) are what the file says of itself.
    `notes` say what was left out or mended; `hidden` is text that no reader of the file can see.
    """

    text: str
    page_starts: tuple[int, ...]
    media_type: str
    title: str | None
    language: str | None
    markdown: bool = False
    notes: tuple[Note, ...] = ()
    hidden: str = ""


def extract(path: Path, *, name: str, child: str = CHILD) -> Extracted:
    """Return the text of the file at `path`.

    Its content tells its format; `name` only helps to tell one kind of text from another. It is read in a child
    process, with time and memory by its size (`limits.limits_for`).

    Raises ExtractionFailed (encrypted, no_text, broken, empty, too_large, unknown_type, timed_out, too_complex) with a
    sentence for the person who uploaded the file. Trying the same file again gives the same result.
    """
    from django.conf import settings  # here, because the child imports this package too, and starts without Django

    size = path.stat().st_size
    if size == 0:
        raise ExtractionFailed.because("empty")
    if size > settings.EXTRACTION_MEMORY_BYTES // 4:
        raise ExtractionFailed.because("file_too_large")
    limits = limits_for(
        size,
        seconds=settings.EXTRACTION_TIMEOUT_SECONDS,
        memory_bytes=settings.EXTRACTION_MEMORY_BYTES,
        max_chars=settings.EXTRACTION_MAX_CHARS,
    )
    request = {"suffix": Path(name).suffix[:16].lower(), "limits": asdict(limits)}
    with path.open("rb") as file:
        result = run_child(
            child,
            request,
            file,
            timeout_seconds=limits.wall_seconds,
            output_max_bytes=8 * settings.EXTRACTION_MAX_CHARS + _HEADER_MAX_BYTES,  # the text, and what is hidden
        )
    return _understood(result, max_chars=settings.EXTRACTION_MAX_CHARS)


def _understood(result: ChildResult, *, max_chars: int) -> Extracted:
    """Return the reply of a child, checked: the file that it read may have taken control of it."""
    if result.status == -signal.SIGXCPU:
        raise ExtractionFailed.because("timed_out")
    if result.status == -signal.SIGKILL:  # the kernel, out of memory
        raise ExtractionFailed.because("too_much_memory")
    try:
        line, _, body = result.output.partition(b"\n")
        header: dict[str, Any] = json.loads(line)
        if "reason" in header:
            detail = str(header.get("detail", ""))[:200]
            if detail:
                logger.warning("a file could not be read: %s", detail)
            raise ExtractionFailed.because(str(header["reason"]), detail=detail)
        both = body.decode()
        text, hidden = both[: int(header["chars"])], both[int(header["chars"]) :]
        page_starts = tuple(int(start) for start in header["page_starts"])
        is_sane = result.status == 0 and 0 < len(text) == header["chars"] <= max_chars and "\x00" not in both
        if not is_sane or list(page_starts) != sorted(page_starts) or (page_starts and page_starts[-1] > len(text)):
            raise ValueError
        return Extracted(
            text=text,
            page_starts=page_starts,
            media_type=str(header["media_type"])[:100],
            title=_short(header["title"]),
            language=_short(header["language"]),
            markdown=header["markdown"] is True,
            notes=understood(header["notes"]),
            hidden=hidden[:max_chars],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.warning("the reader of a file ended with status %s", result.status)
        raise ExtractionFailed.because("crashed") from None


def _short(value: object) -> str | None:
    """Return a title or language that fits the database, None if it is empty."""
    return normalise_question(str(value))[:_TITLE_MAX_CHARS] or None if value else None
