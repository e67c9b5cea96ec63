"""The process that reads one file: the file on standard input, a request as argument, the text on standard output.

It knows no Django and no settings, and loads only the library of the format at hand: it starts for every document.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from documents.extraction import media_types
from documents.extraction.content import Assembled, Content, assemble
from documents.extraction.failures import Unreadable
from documents.extraction.notes import Note, merged
from documents.extraction.sandbox import Limits, restrict
from documents.normalising import normalise

Reader = Callable[[bytes], Content]

READERS = {
    media_types.PDF: "pdf",
    media_types.DOCX: "docx",
    media_types.PPTX: "pptx",
    media_types.XLSX: "xlsx",
    media_types.EPUB: "epub",
    media_types.HTML: "html",
    media_types.MARKDOWN: "markdown",
    media_types.CSV: "tabular",
    media_types.EMAIL: "mail",
    media_types.PLAIN_TEXT: "plain_text",
}


def reader_of(media_type: str) -> Reader:
    """Return `read` of the format's module, imported now: each brings a library that the others don't need."""
    module = importlib.import_module(f"documents.extraction.{READERS[media_type]}")
    reader: Reader = module.read
    return reader


def main(arguments: Sequence[str], find_reader: Callable[[str], Reader] = reader_of) -> None:
    """Read the file and write the reply: one line of JSON, then the text in UTF-8, then the hidden text.

    The line has `reason` when the file can't be read; else media_type, title, language, markdown, page_starts, notes
    and how many characters the text has.
    """
    # Some libraries load numpy if they find it, for nothing: 80 ms, and threads that this process must not start.
    cast(dict[str, Any], sys.modules)["numpy"] = None
    request = json.loads(arguments[0])
    limits = Limits(**request["limits"])
    restrict(limits)
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not get into the reply
    text, hidden = "", ""
    try:
        data = sys.stdin.buffer.read()
        media_type = media_types.recognise(data, suffix=request["suffix"])
        content = find_reader(media_type)(data)
        del data
        assembled = assemble(content, max_chars=limits.max_chars)
        text, hidden = assembled.text, normalise(content.hidden)[: limits.max_chars]
        header = _header(media_type, content, assembled, hidden)
    except Unreadable as failure:
        header = {"reason": failure.reason}
    except MemoryError:
        header = {"reason": "too_much_memory"}
    except RecursionError:
        header = {"reason": "too_complex"}
    except Exception as failure:  # noqa: BLE001  whatever a parser raises on a broken file, its text goes nowhere
        header = {"reason": "broken", "detail": _place_of(failure)}
    reply.write(json.dumps(header).encode() + b"\n")
    reply.write(text.encode())
    reply.write(hidden.encode())
    reply.flush()
    os._exit(0)  # no teardown: it is slow for large trees, and some libraries crash in it


def _header(media_type: str, content: Content, assembled: Assembled, hidden: str) -> dict[str, object]:
    notes = list(content.notes)
    if hidden and all(note.code != "hidden_text" for note in notes):
        notes.append(Note("hidden_text"))
    return {
        "media_type": media_type,
        "title": content.title,
        "language": content.language,
        "markdown": content.markdown,
        "page_starts": assembled.page_starts,
        "notes": [(note.code, note.count) for note in merged(notes)],
        "chars": len(assembled.text),
    }


def _place_of(failure: Exception) -> str:
    """Return kind and place of an exception: enough to find the bug, and nothing of the file."""
    last = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{type(failure).__name__} in {Path(last.filename).name}:{last.lineno}"


if __name__ == "__main__":
    main(sys.argv[1:])
