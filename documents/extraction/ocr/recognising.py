"""Recognises the pages of a document one by one from the worker, each in its own process with its own limits."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from documents.extraction.failures import ExtractionFailed
from documents.extraction.ocr.engines import RAPIDOCR
from documents.extraction.ocr.recognised_page import PageText
from documents.extraction.process.limits import Limits
from documents.extraction.process.runner import run_child, while_needed

PAGE_SECONDS = 60  # of CPU; a page takes 1 to 6
PAGE_WALL_SECONDS = 180  # of the clock: a machine that is busy with other things takes longer
PAGE_MEMORY_BYTES = 2 * 1024**3
PAGE_MAX_CHARS = 100_000
_OUTPUT_MAX_BYTES = 8 * PAGE_MAX_CHARS
_CHILDREN = {False: "documents.extraction.ocr.tesseract_child", True: "documents.extraction.ocr.rapidocr_child"}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """A recognised page. `found` is None where it could not be read; then the reason is named."""

    number: int
    of: int  # pages of the file
    found: PageText | None
    reason: str = ""


def recognise_pages(
    path: Path,
    media_type: str,
    language: str,
    numbers: Sequence[int] | None,
    *,
    engine: str,
    go_on: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Page]:
    """Yield the pages of a PDF or picture, recognised: those of `numbers` (1, 2, ...), None: all.

    `go_on` is told after each page how many are done of how many, and may raise to stop.
    """
    child = _CHILDREN[engine == RAPIDOCR]
    done, wanted = 0, list(numbers) if numbers is not None else [1]
    # An engine takes up to 700 MB, and loads in some seconds: it does not stay when there are no more scans.
    with while_needed(child), path.open("rb") as file:
        while wanted:
            number = wanted.pop(0)
            file.seek(0)
            page = _recognise(child, file, {"media_type": media_type, "language": language, "page": number})
            if numbers is None and number == 1:
                wanted = list(range(2, page.of + 1))
            done += 1
            yield page
            go_on(done, done + len(wanted))


def _recognise(child: str, file: Any, request: dict[str, Any]) -> Page:
    number = int(request["page"])
    limits = Limits(PAGE_MEMORY_BYTES, PAGE_SECONDS, PAGE_WALL_SECONDS, PAGE_MAX_CHARS)
    try:
        ended = run_child(
            child,
            {**request, "limits": asdict(limits)},
            file,
            timeout_seconds=PAGE_WALL_SECONDS,
            output_max_bytes=_OUTPUT_MAX_BYTES,
        )
        answer = json.loads(ended.output)
        if "reason" in answer:
            return Page(number, number, None, str(answer["reason"])[:50])
        text, confidence = str(answer["text"]).replace("\x00", ""), float(answer["confidence"])
        return Page(number, min(int(answer["pages"]), 100_000), PageText(text[:PAGE_MAX_CHARS], confidence))
    except ExtractionFailed as failure:
        return Page(number, number, None, failure.code)
    except (ValueError, KeyError, TypeError):
        logger.warning("the recognition of a page ended without an answer")
        return Page(number, number, None, "crashed")
