"""Runs in the process that reads one file: takes its bytes, writes its text.

It imports no Django and reads no settings.
"""

from __future__ import annotations

import importlib
import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from documents.extraction import media_types
from documents.extraction.content import AssembledText, Content, assemble
from documents.extraction.failures import Unreadable
from documents.extraction.process.fork_server import serve
from documents.extraction.process.limits import Limits, restrict
from documents.text.extraction_notes import Note, as_stored, merged
from documents.text.normalization import normalise

Reader = Callable[[bytes], Content]

READERS = {
    media_types.PDF: "documents.extraction.pdf.document",
    media_types.DOCX: "documents.extraction.office.docx",
    media_types.PPTX: "documents.extraction.office.pptx",
    media_types.XLSX: "documents.extraction.office.xlsx",
    media_types.EPUB: "documents.extraction.epub",
    media_types.ODT: "documents.extraction.open_document.reader",
    media_types.ODS: "documents.extraction.open_document.reader",
    media_types.ODP: "documents.extraction.open_document.reader",
    media_types.RTF: "documents.extraction.office.rtf",
    media_types.HTML: "documents.extraction.html.page",
    media_types.MARKDOWN: "documents.extraction.markdown",
    media_types.CSV: "documents.extraction.tables.tabular",
    media_types.XML: "documents.extraction.xml_text",
    media_types.EMAIL: "documents.extraction.mail.message",
    media_types.PLAIN_TEXT: "documents.extraction.plain_text",
}
LOADED_WHEN_NEEDED = ("puremagic",)  # by readers; here they are loaded once for all files
_READ_BYTES = 1 << 20
_A_TEXT = "A text with ümlauts.\n\nOf two paragraphs.".encode()


def reader_of(media_type: str) -> Reader:
    """Return `read` of the format's module."""
    module = importlib.import_module(READERS[media_type])
    reader: Reader = module.read
    return reader


def load_readers() -> None:
    """Load all readers and their libraries, before the first file is read."""
    for name in (*READERS.values(), *LOADED_WHEN_NEEDED):
        importlib.import_module(name)
    assemble(reader_of(media_types.recognise(_A_TEXT))(_A_TEXT), max_chars=len(_A_TEXT))  # compiles its patterns


def read_file(
    request: dict[str, Any],
    *,
    file: int,
    reply: int,
    parent_pid: int,
    find_reader: Callable[[str], Reader] = reader_of,
) -> NoReturn:
    """Read the open `file` and write to `reply`: one line of JSON, the text, the hidden text. Ends the process.

    The line has `reason` when the file can't be read; else media_type, title, language, markdown, page_starts, notes
    and how many characters the text has.
    """
    limits = Limits(**request["limits"])
    restrict(limits, parent_pid=parent_pid)
    text, hidden = "", ""
    try:
        data = _all_of(file)
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
    except Exception as failure:  # noqa: BLE001  a parser may raise anything; its message may hold text of the file
        header = {"reason": "broken", "detail": _place_of(failure)}
    with open(reply, "wb", closefd=False) as out:
        out.write(json.dumps(header).encode() + b"\n")
        out.write(text.encode())
        out.write(hidden.encode())
    os._exit(0)  # no teardown: it is slow for large trees, and some libraries crash in it


def _all_of(file: int) -> bytes:
    parts = []
    while part := os.read(file, _READ_BYTES):
        parts.append(part)
    return b"".join(parts)


def _header(media_type: str, content: Content, assembled: AssembledText, hidden: str) -> dict[str, object]:
    notes = list(content.notes)
    if hidden and not any(note.code.startswith("hidden_") for note in notes):
        notes.append(Note("hidden_text"))
    return {
        "media_type": media_type,
        "title": content.title,
        "language": content.language,
        "markdown": content.markdown,
        "page_starts": assembled.page_starts,
        "notes": [as_stored(note) for note in merged(notes)],
        "chars": len(assembled.text),
    }


def _place_of(failure: Exception) -> str:
    """Return the type and the line of an exception: enough to find the bug, without text of the file."""
    last = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{type(failure).__name__} in {Path(last.filename).name}:{last.lineno}"


if __name__ == "__main__":
    serve(read_file, load=load_readers)
