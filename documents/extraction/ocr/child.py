"""Runs in the process that recognises one page: reads the file's bytes, writes the text of the page.

It imports no Django and reads no settings, and runs in the same sandbox as the process that reads files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from documents.extraction.failures import Unreadable
from documents.extraction.ocr import engines, pictures
from documents.extraction.ocr.page_text import is_turned, text_of_page
from documents.extraction.ocr.recognised_page import PageText
from documents.extraction.process.limits import Limits, restrict

if TYPE_CHECKING:
    from PIL.Image import Image

_READ_BYTES = 1 << 20


def serve_engine(name: str, *, folders: Callable[[], Sequence[Path]] = lambda: ()) -> NoReturn:
    """Load an engine, and recognise pages with it until the parent is gone; it may also read files below `folders`."""
    from documents.extraction.process.fork_server import serve

    os.environ["OMP_THREAD_LIMIT"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # behind the fences there are no threads
    made: list[engines.Engine] = []
    serve(
        partial(read_page, made),
        load=lambda: made.append(engines.make(name)),
        needs_numpy=True,
        also_readable=folders(),
    )
    os._exit(1)


def read_page(
    made: Sequence[engines.Engine], request: dict[str, Any], *, file: int, reply: int, parent_pid: int
) -> NoReturn:
    """Recognise a page of the open `file` and write to `reply` one line of JSON. Ends the process.

    It has `pages`, how many the file has, `text` and `confidence`; or `reason` when it can't be read.
    """
    restrict(Limits(**request["limits"]), parent_pid=parent_pid)
    try:
        answer = _recognise(made[0], _all_of(file), request)
    except Unreadable as failure:
        answer = {"reason": failure.reason}
    except LookupError:
        answer = {"reason": "ocr_language"}
    except MemoryError:
        answer = {"reason": "too_much_memory"}
    except Exception as failure:  # noqa: BLE001  an engine may raise anything; its message may hold text of the file
        answer = {"reason": "broken", "detail": type(failure).__name__}
    with open(reply, "wb", closefd=False) as out:
        out.write(json.dumps(answer).encode())
    os._exit(0)


def _recognise(engine: engines.Engine, data: bytes, request: dict[str, Any]) -> dict[str, object]:
    media_type, page = request["media_type"], request["page"]
    pages = pictures.count_pages(data, media_type)
    if not 1 <= page <= pages:
        return {"pages": pages, "text": "", "confidence": 1.0}
    found = _read_upright(engine, pictures.picture_of_page(data, media_type, page), request["language"])
    return {"pages": pages, "text": found.text[: request["limits"]["max_chars"]], "confidence": found.confidence}


def _read_upright(engine: engines.Engine, picture: Image, language: str) -> PageText:
    """Return the text of a picture; one that lies on its side, or upside down, is turned first."""
    lines = engine.read(picture, language)
    found = text_of_page(lines)
    is_on_side = is_turned(lines)
    angles = (90, 270) if is_on_side else (180,) if found.text and not found.is_sure else ()
    best = None if is_on_side else found
    for angle in angles:
        turned = picture.rotate(angle, expand=True)
        turned.info = dict(picture.info)
        other = text_of_page(engine.read(turned, language))
        if best is None or other.confidence > best.confidence:
            best = other
    return best or found


def _all_of(file: int) -> bytes:
    parts = []
    while part := os.read(file, _READ_BYTES):
        parts.append(part)
    return b"".join(parts)
